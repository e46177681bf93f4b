#include "base/nearest.h"

#include <gtest/gtest.h>

namespace frugal {
namespace {

TEST(Nearest, FindsWhatAMistypedWordMeant) {
  const std::vector<std::string> names = {"train", "eval", "predict"};
  EXPECT_EQ(nearest("trian", names), "train");
  EXPECT_EQ(nearest("evl", names), "eval");
  EXPECT_EQ(nearest("train", names), "train");
  EXPECT_EQ(did_you_mean("predikt", names), "; did you mean predict?");
}

TEST(Nearest, StaysSilentWhereNothingIsNear) {
  EXPECT_EQ(nearest("xyzzy", {"train", "eval"}), "");
  EXPECT_EQ(did_you_mean("xyzzy", {"train", "eval"}), "");
  EXPECT_EQ(nearest("train", {}), "");
  EXPECT_EQ(nearest(std::string(200, 'a'), {std::string(200, 'a')}), "");
}

TEST(Nearest, TakesTheCloserOfTwoAndTheFirstOfEquals) {
  EXPECT_EQ(nearest("resnet21", {"resnet110", "resnet20", "resnet32"}), "resnet20");
  EXPECT_EQ(nearest("ab", {"ax", "ay"}), "ax");
}

}  // namespace
}  // namespace frugal

#include "data/augment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace frugal {
namespace {

using testing::HasSubstr;

TEST(Augment, ReadsTheList) {
  const auto list = parse_augment("flip, crop:4");
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].kind, AugmentKind::flip);
  EXPECT_EQ(list[1].kind, AugmentKind::crop);
  EXPECT_EQ(list[1].padding, 4);
  EXPECT_TRUE(parse_augment("").empty());
  EXPECT_TRUE(parse_augment(" none ").empty());
}

TEST(Augment, WritesWhatItReads) {
  for (const char* text : {"none", "flip", "crop:4", "flip,crop:4", "crop:1,flip,crop:1024"}) {
    EXPECT_EQ(to_string(parse_augment(text)), text);
  }
}

TEST(Augment, FaultsAreUsageErrorsThatListWhatIsKnown) {
  for (const char* text :
       {"flop", "crop", "crop:0", "crop:-1", "crop:1025", "crop:x", "crop:4.5", "crop:4:5", "flip:1",
        "flip:p=0.3", "crop:padding=4", "flip,none", "flip,", "crop:4,5", "crop:99999999999999999999"}) {
    try {
      parse_augment(text);
      ADD_FAILURE() << "accepted " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage) << text;
    }
  }
  EXPECT_THAT([] { parse_augment("flop"); }, testing::ThrowsMessage<Error>(testing::AllOf(
                                                 HasSubstr("'flop'"), HasSubstr("flip, crop:PIXELS"))));
}

}  // namespace
}  // namespace frugal

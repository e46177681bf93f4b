// Parts of data sets, sizes and mirror images, through the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.h"

namespace frugal {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class SelectionRuns : public testing::Test {
 protected:
  void SetUp() override { write_cifar100(scratch / "set", 400, 200); }
  Outcome train(const std::vector<std::string>& more) {
    return frugal(quick_train(scratch / "set", scratch / "run", more));
  }
  nlohmann::json eval(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"eval", (scratch / "run").string(), "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = frugal(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return json_lines(outcome.out).at(0);
  }
  const TempDir scratch;
};

TEST_F(SelectionRuns, SomeClassesAreTrainedAndEvaluated) {
  const Outcome outcome =
      train({"--select", "10-19,class_3", "--split", "stratified", "--sampling", "balanced"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(read_text(scratch / "run" / "config.toml"),
              AllOf(HasSubstr("select = \"10-19,class_3\""), HasSubstr("split = \"stratified\""),
                    HasSubstr("sampling = \"balanced\"")));
  EXPECT_EQ(eval()["samples"], 22);
  EXPECT_EQ(eval({"--split", "val"})["samples"].get<int>() + eval({"--split", "train"})["samples"].get<int>(),
            44);
  // A weights file alone knows its classes by their names.
  std::filesystem::rename(scratch / "run" / "config.toml", scratch / "elsewhere.toml");
  EXPECT_EQ(eval({"--data", (scratch / "set").string()})["samples"], 22);
}

TEST_F(SelectionRuns, SuperclassesAndFractions) {
  const Outcome outcome = train({"--coarse", "--fraction", "0.5"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(eval()["samples"], 200);
  EXPECT_EQ(eval({"--split", "val"})["samples"].get<int>() + eval({"--split", "train"})["samples"].get<int>(),
            200);
}

TEST_F(SelectionRuns, MirrorImagesHaveALineOfTheirOwn) {
  ASSERT_EQ(train({"--augment", "flip,crop:4,mixup:0.2"}).code, 0);
  const auto line = eval({"--tta", "flip"});
  EXPECT_EQ(line["top1"], eval()["top1"]);
  EXPECT_EQ(line["tta_flip"]["samples"], 200);
  EXPECT_NE(line["tta_flip"]["loss"], line["loss"]);
  EXPECT_THAT(frugal({"eval", (scratch / "run").string(), "--tta", "flip"}).out, HasSubstr("test-time flip"));
  EXPECT_EQ(frugal({"eval", (scratch / "run").string(), "--tta", "spin"}).code, 2);
}

TEST_F(SelectionRuns, SmallImagesFirst) {
  const Outcome outcome = train({"--model", "resnet20:width=0.25", "--resize", "16@0,32@0.5"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(eval()["samples"], 200);
  std::filesystem::remove_all(scratch / "run");
  const Outcome refused = train({"--model", "smallnet", "--resize", "24@0,32@0.5"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("--resize"), HasSubstr("fc1.weight")));
}

TEST_F(SelectionRuns, GivenNormalisationIsKeptWithTheWeights) {
  ASSERT_EQ(train({"--normalize", "given:mean=0.5,std=0.25"}).code, 0);
  EXPECT_THAT(read_text(scratch / "run" / "last.safetensors").substr(0, 20000),
              HasSubstr("\"mean\":\"[0.5,0.5,0.5]\""));
  std::filesystem::remove_all(scratch / "run");
  EXPECT_EQ(train({"--normalize", "given:mean=0.5|0.5,std=0.25"}).code, 2);
  EXPECT_FALSE(std::filesystem::exists(scratch / "run"));
}

}  // namespace
}  // namespace frugal

// A folder of pictures from end to end: data, train, eval and predict.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "../data/folder_fixture.h"
#include "program.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Folder : public testing::Test {
 protected:
  Folder() {
    for (int i = 0; i < 40; ++i) {
      flat(set / ("dark/" + std::to_string(i) + ".png"), i, 70, 90);
      flat(set / ("bright/" + std::to_string(i) + ".png"), 210 + i, 90, 70);
    }
  }
  Outcome run(const std::vector<std::string>& arguments) const {
    return frugal(arguments,
                  {.directory = scratch.path(), .environment = {"HOME=" + scratch.path().string()}});
  }
  Outcome train(const std::vector<std::string>& more) const {
    std::vector<std::string> all = {"--batch", "16", "--shard", "8"};
    all.insert(all.end(), more.begin(), more.end());
    return run(quick_train(set, scratch / "run", all));
  }
  const TempDir scratch;
  const fs::path set = scratch / "set";
};

TEST_F(Folder, DataTellsAndKeepsPictures) {
  const Outcome first = run({"data", "set", "--json", "--image-size", "24x32"});
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.err, "");
  const auto json = json_lines(first.out).at(0);
  EXPECT_EQ(json["train"], 64);
  EXPECT_EQ(json["test"], 16);
  EXPECT_EQ(json["image"], nlohmann::json({3, 24, 32}));
  EXPECT_EQ(json["classes"], nlohmann::json({"bright", "dark"}));
  EXPECT_TRUE(fs::exists(scratch / ".cache/frugal/decoded"));
  EXPECT_EQ(run({"data", "set", "--json", "--image-size", "24x32"}).out, first.out);
  EXPECT_EQ(json_lines(run({"data", "set", "--json"}).out).at(0)["image"], nlohmann::json({3, 64, 64}));
}

TEST_F(Folder, TrainEvalPredict) {
  const Outcome trained = train({"--image-size", "32"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_THAT(trained.out, AllOf(HasSubstr("3 x 32 x 32"), HasSubstr("2 classes")));
  EXPECT_THAT(read_text(scratch / "run/config.toml"),
              AllOf(HasSubstr("image_size = \"32\""), HasSubstr("skip_bad = false")));
  const auto result = nlohmann::json::parse(read_text(scratch / "run/result.json"));

  const Outcome tested = run({"eval", "run", "--json"});
  ASSERT_EQ(tested.code, 0) << tested.err;
  EXPECT_EQ(json_lines(tested.out).at(0)["top1"], result["test"]["top1"]);
  // The weights alone know the size, and the test split is the same without the run's configuration.
  fs::copy(scratch / "run/best.safetensors", scratch / "alone.safetensors");
  const Outcome alone = run({"eval", "alone.safetensors", "--data", "set", "--json"});
  ASSERT_EQ(alone.code, 0) << alone.err;
  EXPECT_EQ(json_lines(alone.out).at(0)["samples"], 16);
  EXPECT_EQ(json_lines(alone.out).at(0)["top1"], result["test"]["top1"]);

  const Outcome guessed = run({"predict", "run", "set/dark/3.png", "--json"});
  ASSERT_EQ(guessed.code, 0) << guessed.err;
  EXPECT_EQ(json_lines(guessed.out).at(0)["top"].size(), 2u);
}

TEST_F(Folder, EvalSaysWhereTheFolderHasChanged) {
  ASSERT_EQ(train({"--image-size", "32"}).code, 0);
  EXPECT_EQ(run({"eval", "run"}).err, "");
  fs::remove(set / "dark/7.png");
  const Outcome changed = run({"eval", "run"});
  EXPECT_EQ(changed.code, 0);
  EXPECT_THAT(changed.err, HasSubstr("not the images that the run was trained with"));
}

TEST_F(Folder, APathThatASettingsFileCannotHoldIsRefusedBeforeTraining) {
  fs::rename(set, scratch / "caf\xE9");
  const Outcome refused = run({"train", "--data", "caf\xE9", "--model", "smallnet", "--out", "run"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("--data"), HasSubstr("UTF-8")));
  EXPECT_FALSE(fs::exists(scratch / "run"));
}

TEST_F(Folder, ABrokenPictureIsNamedOrSkipped) {
  put(set / "dark/7.png", "broken");
  const Outcome refused = train({});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("dark/7.png"), HasSubstr("--skip-bad")));
  EXPECT_FALSE(fs::exists(scratch / "run"));
  const Outcome trained = train({"--skip-bad", "--image-size", "32", "--epochs", "1"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_THAT(trained.err, HasSubstr("1 broken picture was left out"));
  EXPECT_THAT(read_text(scratch / "run/config.toml"), HasSubstr("skip_bad = true"));
  EXPECT_EQ(run({"eval", "run"}).code, 0);  // skips what the run skipped
}

TEST_F(Folder, ANetworkThatIsTooLargeIsRefusedBeforeAPictureIsDecoded) {
  put(set / "dark/7.png", "broken");  // would be named if it were decoded
  const Outcome refused = train({"--max-params", "10k", "--fraction", "0.5"});
  EXPECT_EQ(refused.code, 3) << refused.err;
  EXPECT_THAT(refused.err, AllOf(HasSubstr("too many"), Not(HasSubstr("7.png"))));
  const Outcome unknown = train({"--select", "dark,brihgt"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("bright"));
}

TEST_F(Folder, MistakesAreUsageErrors) {
  for (const char* size : {"0", "huge", "9999", "32x"}) {
    const Outcome outcome = run({"data", "set", "--image-size", size});
    EXPECT_EQ(outcome.code, 2) << size;
    EXPECT_THAT(outcome.err, HasSubstr("--image-size"));
    EXPECT_EQ(train({"--image-size", size}).code, 2) << size;
  }
  EXPECT_EQ(run({"model", "smallnet", "--image-size", "auto"}).code, 2);
  EXPECT_THAT(run({"model", "smallnet", "--image-size", "32x48"}).out, HasSubstr("total"));
}

TEST_F(Folder, AHomeThatCannotBeWrittenIsToldOfOnce) {
  put(scratch / ".cache", "a file where the directory should be");
  const Outcome outcome = run({"data", "set"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("warning: cannot write to"));
  EXPECT_EQ(outcome.err.find("warning"), outcome.err.rfind("warning"));
}

TEST_F(Folder, AnUnreadableDirectoryIsNamed) {
  for (const fs::path& hidden : {set / "dark", set}) {
    fs::permissions(hidden, fs::perms::none);
    const Outcome outcome =
        frugal({"data", set.string()},
               {.environment = {"HOME=" + scratch.path().string()}, .as_nobody = geteuid() == 0});
    fs::permissions(hidden, fs::perms::owner_all | fs::perms::others_read | fs::perms::others_exec);
    if (outcome.code == 127) GTEST_SKIP() << "nobody cannot reach the program";
    EXPECT_EQ(outcome.code, 1);
    EXPECT_THAT(outcome.err, AllOf(HasSubstr(hidden.string()), HasSubstr("ermission")));
  }
}

}  // namespace
}  // namespace frugal

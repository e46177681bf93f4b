// `frugal schedule`: the numbers are the trainer's, the drawing shows them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "program.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class ScheduleCommand : public testing::Test {
 protected:
  Outcome run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "schedule");
    return frugal(arguments, {.directory = scratch.path()});
  }
  const TempDir scratch;
};

TEST_F(ScheduleCommand, PrintsATableAndDraws) {
  const Outcome outcome = run({"cosine", "--warmup", "1epoch", "--epochs", "10", "--lr", "0.4"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              AllOf(StartsWith("cosine, warm-up 1epoch: 10 epochs of 352 steps, learning rate 0.4\n"),
                    HasSubstr("\n   0.0 %      0.00            0  0.004\n"),
                    HasSubstr("\n  50.0 %      5.00        1,760  0.2 "), HasSubstr("schedule.svg")));
  EXPECT_THAT(read_text(scratch / "schedule.svg"),
              AllOf(StartsWith("<svg"), HasSubstr("cosine, warm-up 1epoch"), HasSubstr("epochs done")));
}

TEST_F(ScheduleCommand, AStaircaseKeepsItsEdges) {
  const Outcome outcome = run({"step:size=2,gamma=0.5", "--epochs", "6", "--images", "100", "--batch", "10",
                               "--lr", "1", "--out", "s.svg", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto json = json_lines(outcome.out).at(0);
  EXPECT_EQ(json["steps_per_epoch"], 10);
  ASSERT_EQ(json["points"].size(), 60u);
  for (int step = 0; step < 60; ++step) {
    EXPECT_EQ(json["points"][static_cast<size_t>(step)]["lr"], step < 20 ? 1 : step < 40 ? 0.5 : 0.25);
  }
  EXPECT_TRUE(fs::exists(scratch / "s.svg"));
  EXPECT_FALSE(fs::exists(scratch / "schedule.svg"));
}

/// What train logs, an epoch's last step, is what schedule shows for that step.
TEST_F(ScheduleCommand, ShowsWhatTrainDoes) {
  write_cifar100(scratch / "set");
  const std::vector<std::string> flags = {"--schedule", "cosine:restarts=1", "--warmup", "11steps", "--lr",
                                          "0.03",       "--epochs",          "3"};
  ASSERT_EQ(frugal(quick_train(scratch / "set", scratch / "run", flags)).code, 0);
  const auto log = json_lines(read_text(scratch / "run" / "log.jsonl"));
  const Outcome outcome =
      run({"--config", (scratch / "run" / "config.toml").string(), "--images", "231", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto shown = json_lines(outcome.out).at(0);
  ASSERT_EQ(log.size(), 3u);
  ASSERT_EQ(shown["points"].size(), 24u);
  for (size_t epoch = 0; epoch < 3; ++epoch) {
    EXPECT_EQ(log[epoch]["lr"], shown["points"][8 * epoch + 7]["lr"]) << epoch;
  }
}

TEST_F(ScheduleCommand, EpochsMustBeKnown) {
  const Outcome outcome = run({"onecycle", "--max-time", "1h"});
  EXPECT_EQ(outcome.code, 2);
  std::ofstream(scratch / "c.toml") << "max_time = \"1h\"\nepochs = 0\nschedule = \"onecycle\"\n";
  const Outcome from_file = run({"--config", (scratch / "c.toml").string()});
  EXPECT_EQ(from_file.code, 2);
  EXPECT_THAT(from_file.err, HasSubstr("give --epochs"));
  EXPECT_EQ(run({"--config", (scratch / "c.toml").string(), "--epochs", "9"}).code, 0);
}

TEST_F(ScheduleCommand, RefusesWhatTrainRefuses) {
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"moon"},
                                                {"cosine", "--warmup", "5"},
                                                {"cosine", "--epochs", "0"},
                                                {"cosine", "--images", "0"},
                                                {"cosine", "--data", "cifar10"},
                                                {"cosine:final=3"}}) {
    EXPECT_EQ(run(wrong).code, 2) << testing::PrintToString(wrong);
  }
  EXPECT_FALSE(fs::exists(scratch / "schedule.svg"));
  EXPECT_EQ(run({"cosine", "--out", "nowhere/s.svg"}).code, 2);
}

TEST_F(ScheduleCommand, DrawsOverDrawingsAlone) {
  put(scratch / "best.safetensors", "weights");
  const Outcome refused = run({"cosine", "--out", "best.safetensors"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err,
              HasSubstr("--out best.safetensors exists already and is no drawing; choose another name"));
  EXPECT_EQ(read_text(scratch / "best.safetensors"), "weights");
  put(scratch / "empty.svg", "");
  EXPECT_EQ(run({"cosine", "--out", "empty.svg"}).code, 0);
  EXPECT_EQ(run({"linear", "--out", "empty.svg"}).code, 0);
}

}  // namespace
}  // namespace frugal

// Runs that are stopped or killed and go on, through the real program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>

#include "program.h"
#include "run_files.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class ResumeCommand : public testing::Test {
 protected:
  ResumeCommand() { write_cifar100(scratch / "set", 256, 100); }

  std::vector<std::string> flags(const std::string& run, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all = quick_train(scratch / "set", scratch / run,
                                               {"--val", "0.25", "--epochs", "6", "--validate-every", "1",
                                                "--checkpoint-every", "1steps", "--batch", "32"});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Outcome resume(const std::string& run, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all = {"resume", (scratch / run).string()};
    all.insert(all.end(), more.begin(), more.end());
    return frugal(all);
  }
  /// Trains and sends `signal` as soon as `epoch` has been printed.
  Outcome cut(const std::string& run, int epoch, int signal) const {
    bool sent = false;
    RunOptions options;
    options.on_output = [&](const std::string& out, int pid) {
      if (sent || out.find("Epoch [" + std::to_string(epoch) + "/") == std::string::npos) return;
      sent = true;
      kill(pid, signal);
    };
    return frugal(flags(run), options);
  }
  void expect_same(const std::string& a, const std::string& b) const {
    expect_same_run(scratch / a, scratch / b);
  }
  const TempDir scratch;
};

TEST_F(ResumeCommand, AfterCtrlCItEndsAsIfNothingHadHappened) {
  ASSERT_EQ(frugal(flags("whole", {"--threads", "1"})).code, 0);
  const Outcome stopped = cut("run", 2, SIGINT);
  EXPECT_EQ(stopped.code, 130);
  EXPECT_THAT(stopped.out, HasSubstr("frugal resume " + (scratch / "run").string() + " goes on"));
  const Outcome outcome = resume("run");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("going on after epoch"), HasSubstr("Epoch [6/6]"), HasSubstr("test")));
  expect_same("whole", "run");
}

TEST_F(ResumeCommand, AfterSigkillsItEndsAsIfNothingHadHappened) {
  ASSERT_EQ(frugal(flags("whole")).code, 0);
  for (int epoch : {1, 3, 5}) {
    const std::string run = "run" + std::to_string(epoch);
    EXPECT_EQ(cut(run, epoch, SIGKILL).code, 128 + SIGKILL);
    EXPECT_EQ(resume(run, {"--threads", "1"}).code, 0);
    expect_same("whole", run);
    EXPECT_THAT(read_text(scratch / run / "curves.svg"), HasSubstr("</svg>"));
  }
}

TEST_F(ResumeCommand, AFinishedRunHasNothingLeftToDo) {
  ASSERT_EQ(frugal(flags("run")).code, 0);
  const std::string before = read_text(scratch / "run" / "result.json");
  const Outcome outcome = resume("run");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("has finished"));
  EXPECT_EQ(read_text(scratch / "run" / "result.json"), before);
}

TEST_F(ResumeCommand, WhatIsNoRunIsSaidToBeNone) {
  const Outcome outcome = resume("set");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("no config.toml"));
}

TEST_F(ResumeCommand, AChangedConfigurationOrDataIsRefused) {
  ASSERT_EQ(cut("run", 2, SIGKILL).code, 128 + SIGKILL);
  const fs::path config = scratch / "run" / "config.toml";
  std::string text = read_text(config);
  put(config, text.replace(text.find("seed = 1\n", text.find("batch_norm")), 9, "seed = 9\n"));
  Outcome outcome = resume("run");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("seed = 1 became seed = 9"));
  text.replace(text.find("seed = 9\n"), 9, "seed = 1\n");
  put(config, text);
  write_cifar100(scratch / "set", 255, 100);
  outcome = resume("run");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("the data (fingerprint)"));
}

TEST_F(ResumeCommand, ALimitOfTimeHoldsAndItsRunCanBeReplayed) {
  std::vector<std::string> limited = {
      "train", "--data", (scratch / "set").string(), "--max-time", "4s", "--val", "0.25", "--batch",
      "32",    "--out",  (scratch / "run").string()};
  const auto begin = std::chrono::steady_clock::now();
  const Outcome outcome = frugal(limited);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_GT(seconds, 2);  // whatever else this machine has to do
  EXPECT_THAT(
      read_text(scratch / "run" / "config.toml"),
      AllOf(HasSubstr("epochs = 0\n"), HasSubstr("max_time = \"4s\""), HasSubstr("schedule = \"onecycle\"")));
  const auto result = nlohmann::json::parse(read_text(scratch / "run" / "result.json"));
  EXPECT_EQ(result["timing"]["limit_seconds"], 4.0);
  EXPECT_GT(result["steps"], 10);
  const Outcome again = frugal({"train", "--replay", (scratch / "run").string(), "--threads", "1", "--out",
                                (scratch / "again").string()});
  EXPECT_EQ(again.code, 0) << again.err;
  expect_same("run", "again");

  // A repetition has no limit: not the original's, either.
  const Outcome slow =
      frugal({"train", "--replay", (scratch / "run").string(), "--out", (scratch / "slow").string()},
             {.seconds_late = 5});
  EXPECT_EQ(slow.code, 0) << slow.err;

  // Its settings are those of a run, not of a repetition.
  const Outcome anew = frugal({"train", "--config", (scratch / "again" / "config.toml").string(),
                               "--max-time", "3s", "--out", (scratch / "anew").string()});
  EXPECT_EQ(anew.code, 0) << anew.err;
  EXPECT_THAT(read_text(scratch / "anew" / "config.toml"), HasSubstr("replay = \"none\""));
}

TEST_F(ResumeCommand, ALimitTooShortToReadTheDataIsRefused) {
  const Outcome outcome = frugal({"train", "--data", (scratch / "set").string(), "--max-time", "1ms", "--out",
                                  (scratch / "run").string()});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("--max-time"));
  EXPECT_FALSE(fs::exists(scratch / "run"));
}

TEST_F(ResumeCommand, ADirectoryOfDataIsFoundFromElsewhere) {
  const TempDir here;
  write_cifar100(here / "pictures");
  ASSERT_EQ(frugal(quick_train("pictures", here / "run"), {.directory = here.path()}).code, 0);
  const Outcome outcome = frugal({"eval", (here / "run").string()}, {.directory = "/"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
}

TEST_F(ResumeCommand, AReplayTakesNoOtherSettings) {
  const Outcome outcome = frugal({"train", "--replay", "somewhere", "--lr", "0.2"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("leave --lr out"));
}

}  // namespace
}  // namespace frugal

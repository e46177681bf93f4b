// Runs that end before their time: Ctrl-C, SIGTERM, a second Ctrl-C, a full disk, a run directory taken away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <csignal>

#include "program.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class Stop : public testing::Test {
 protected:
  Stop() { write_cifar100(scratch / "set"); }
  /// Trains without end until `words` are printed, then sends the signals.
  Outcome stop_after(const std::string& words, const std::vector<int>& signals) const {
    bool sent = false;
    RunOptions options;
    options.on_output = [&](const std::string& out, int pid) {
      if (sent || out.find(words) == std::string::npos) return;
      sent = true;
      for (int signal : signals) kill(pid, signal);
    };
    return frugal(quick_train(scratch / "set", scratch / "run", {"--epochs", "100000"}), options);
  }
  void expect_saved() const {
    const std::string run = (scratch / "run").string();
    EXPECT_EQ(frugal({"eval", run}).code, 0);
    EXPECT_EQ(frugal({"eval", run + "/last.safetensors"}).code, 0);
    EXPECT_THAT(read_text(scratch / "run" / "curves.svg"), HasSubstr("</svg>"));
    EXPECT_FALSE(json_lines(read_text(scratch / "run" / "log.jsonl")).empty());
  }
  const TempDir scratch;
};

TEST_F(Stop, CtrlCSavesReportsAndExits130) {
  const Outcome outcome = stop_after("Epoch [2/", {SIGINT});
  EXPECT_EQ(outcome.code, 130) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("interrupted after"), HasSubstr("saved in")));
  expect_saved();
}

TEST_F(Stop, SigtermSavesAndExits143) {
  EXPECT_EQ(stop_after("Epoch [1/", {SIGTERM}).code, 143);
  expect_saved();
}

TEST_F(Stop, WithinTheFirstEpochTheWeightsAreSavedToo) {
  const Outcome outcome = stop_after("recipe ", {SIGINT});
  // Before the handlers are there, Ctrl-C simply ends a run that has nothing to save.
  ASSERT_EQ(outcome.code, 130);
  if (outcome.out.find("saved in") != std::string::npos) {
    EXPECT_EQ(frugal({"eval", (scratch / "run").string()}).code, 0);
  }
}

TEST_F(Stop, ASecondCtrlCQuitsAtOnce) {
  const Outcome outcome = stop_after("Epoch [1/", {SIGINT, SIGTERM});
  // Which of two signals that arrive together is handled last is the kernel's choice.
  EXPECT_TRUE(outcome.code == 130 || outcome.code == 143) << outcome.code;
  EXPECT_EQ(outcome.out.find("saved in"), std::string::npos);
}

TEST_F(Stop, AJsonRunSaysThatItWasInterrupted) {
  bool sent = false;
  RunOptions options;
  options.on_output = [&](const std::string& out, int pid) {
    if (sent || out.find("\"epoch\":1") == std::string::npos) return;
    sent = true;
    kill(pid, SIGINT);
  };
  const Outcome outcome =
      frugal(quick_train(scratch / "set", scratch / "run", {"--epochs", "100000", "--json"}), options);
  EXPECT_EQ(outcome.code, 130);
  EXPECT_EQ(json_lines(outcome.out).back()["interrupted"], true);
}

TEST_F(Stop, WhoReadsMayBeGoneByTheSameCtrlC) {
  RunOptions options;
  options.leaves_after = "Epoch [2/";
  options.on_output = [](const std::string& out, int pid) {
    if (out.find("Epoch [2/") != std::string::npos) kill(pid, SIGINT);
  };
  const Outcome outcome =
      frugal(quick_train(scratch / "set", scratch / "run", {"--epochs", "100000"}), options);
  EXPECT_EQ(outcome.code, 130) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("frugal resume " + (scratch / "run").string() + " goes on"));
  expect_saved();
}

TEST_F(Stop, WhatIgnoredCtrlCGoesOnToDoSo) {
  RunOptions options;
  options.ignores_interrupt = true;
  options.on_output = [](const std::string&, int pid) { kill(pid, SIGINT); };
  const Outcome outcome = frugal(quick_train(scratch / "set", scratch / "run"), options);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("Epoch [2/2]"));
}

TEST_F(Stop, WithoutAStandardOutputNoFileGetsItsText) {
  RunOptions options;
  options.no_stdout = true;
  const Outcome outcome =
      frugal(quick_train(scratch / "set", scratch / "run", {"--max-time", "60s"}), options);
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("cannot write to standard output"));
  for (const auto& entry : fs::directory_iterator(scratch / "run"))
    EXPECT_EQ(read_text(entry.path()).find("Epoch ["), std::string::npos) << entry.path();
  EXPECT_EQ(
      frugal({"train", "--replay", (scratch / "run").string(), "--out", (scratch / "again").string()}).code,
      0);
}

/// A small file system that fills up. Needs root.
class FullDisk : public Stop {
 protected:
  void SetUp() override {
    fs::create_directory(scratch / "disk");
    mounted_ = mount("tmpfs", (scratch / "disk").c_str(), "tmpfs", 0, "size=6m") == 0;
    if (!mounted_) GTEST_SKIP() << "cannot mount a tmpfs here";
  }
  void TearDown() override {
    if (mounted_) umount((scratch / "disk").c_str());
  }
  bool mounted_ = false;
};

TEST_F(FullDisk, TrainingGoesOnAndTheEndIsAnErrorThatSaysSo) {
  const Outcome outcome = frugal(quick_train(scratch / "set", scratch / "disk" / "run", {"--epochs", "2"}));
  EXPECT_EQ(outcome.code, 1) << outcome.out;
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("warning: "), HasSubstr("No space left on device")));
  EXPECT_THAT(outcome.out, HasSubstr("Epoch [2/2]"));  // it did not stop at the first failure
}

TEST_F(Stop, ARunDirectoryThatVanishesIsAnErrorAtTheEnd) {
  bool removed = false;
  RunOptions options;
  options.on_output = [&](const std::string& out, int) {
    if (removed || out.find("Epoch [1/") == std::string::npos) return;
    removed = true;
    fs::rename(scratch / "run", scratch / "gone");
  };
  const Outcome outcome = frugal(quick_train(scratch / "set", scratch / "run", {"--epochs", "20"}), options);
  EXPECT_EQ(outcome.code, 1) << outcome.out;
  EXPECT_THAT(outcome.err, HasSubstr("run"));
}

}  // namespace
}  // namespace frugal

// The runner, with a program in the place of frugal that does in a moment what it is told.
#include "study/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "../temp_dir.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "train/trainer.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Its accuracy is --lr; --lr 0.13 fails, --lr 0.7 waits for a signal when it is begun, --lr 0.8 also when it
/// goes on, --lr 0.14 and 0.15 cannot go on, for reasons that pass and that do not. --lr 0.16 is killed, --lr
/// 0.17 ends without a word, --lr 0.18 spoils the record.
constexpr const char* program = R"(#!/bin/bash
echo "$@" >> "$(dirname "$0")/calls"
command=$1; shift
if [ $command = resume ]; then out=$1; shift; lr=$(sed -n 's/^lr = //p' "$out/config.toml"); fi
limit=none
while [ $# -gt 0 ]; do
  case $1 in --lr) lr=$2;; --out) out=$2;; --max-time) limit=$2;; esac
  shift
done
mkdir -p "$out"
trap 'exit 130' INT
home=$(dirname "$0")
trap 'echo saved >> "$home/calls"; exit 143' TERM
touch "$home/ready-$lr"
if [ $command = train ]; then printf 'lr = %s\nmax_time = "%s"\n' "$lr" "$limit" > "$out/config.toml"; fi
if [ "$lr" = 0.13 ]; then echo "frugal: no luck" >&2; exit 1; fi
if [ "$lr" = 0.16 ]; then kill -9 $$; fi
if [ "$lr" = 0.17 ]; then exit 3; fi
if [ "$lr" = 0.18 ]; then
  while [ ! -e "$home/ready-0.8" ]; do sleep 0.02; done
  rm -f "$home/results.jsonl"; mkdir "$home/results.jsonl"
fi
if [ "$lr$command" = 0.14resume ]; then echo "frugal: the disk is full" >&2; exit 1; fi
if [ "$lr$command" = 0.15resume ]; then printf 'frugal: it cannot go on:\n  the program\n' >&2; exit 2; fi
if [ "$lr$command" = 0.7train ] || [ "$lr" = 0.8 ]; then for i in $(seq 200); do sleep 0.05; done; fi
echo "{\"params\":1,\"epochs\":1,\"val\":{\"top1\":$lr},\"test\":{\"top1\":$lr},\"interrupted\":false}" > "$out/result.json"
)";

struct Recorder : StudyObserver {
  void on_begin(const PlannedRun& run, int64_t number, int64_t count, bool goes_on) override {
    EXPECT_LE(number, count);
    begun.push_back(run.variant + std::to_string(run.seed) +
                    (run.part > 1 ? "/" + std::to_string(run.part) : "") + (goes_on ? "+" : ""));
  }
  void on_failure(const PlannedRun& run, const std::string& message) override {
    failures.push_back(run.variant + ": " + message);
  }
  void on_given_up(const std::vector<std::string>& variants, int64_t) override {
    given_up.insert(given_up.end(), variants.begin(), variants.end());
  }
  void on_put_aside(const PlannedRun& run, const fs::path& directory) override {
    put_aside.push_back(run.variant + ": " + directory.filename().string());
  }
  std::vector<std::string> begun, failures, given_up, put_aside;
};

class Runner : public testing::Test {
 protected:
  Runner() {
    stop_requested = 0;
    std::ofstream(scratch_ / "frugal") << program;
    fs::permissions(scratch_ / "frugal", fs::perms::owner_all);
    study_.seeds = {1, 2};
  }
  ~Runner() override { stop_requested = 0; }
  void add(const std::string& name, const std::string& lr, std::map<std::string, std::string> more = {}) {
    more["--lr"] = lr;
    study_.variants.push_back({name, more, 1, study_.seeds});
    study_.base = study_.variants[0].name;
  }
  StudyOutcome run(StudyOptions options = {}) {
    options.out = scratch_ / "out";
    options.program = (scratch_ / "frugal").string();
    options.threads = 4;
    observer_.begun.clear();
    Results results(scratch_ / "results.jsonl");
    return run_study(study_, options, results, observer_);
  }
  /// Of that variant's run with seed 1.
  fs::path directory_of(size_t variant, bool limited = false) const {
    const PlannedRun run = plan_run(study_, study_.variants[variant], 1, 1, scratch_ / "out", limited);
    return run_directory(scratch_ / "out", run.name);
  }
  /// As if a run of that variant had been stopped.
  fs::path begin(size_t variant, bool limited = false) const {
    fs::path directory = directory_of(variant, limited);
    fs::create_directories(directory);
    std::ofstream(directory / "config.toml") << "lr = " << study_.variants[variant].flags.at("--lr") << "\n";
    std::ofstream(directory / "weights") << "precious";
    return directory;
  }
  static double limit_in(const std::string& call) {
    return std::stod(call.substr(call.find("--max-time ") + 11));
  }
  double limit_of(const std::string& lr) const {  // of its only run
    for (const std::string& call : calls()) {
      if (call.find("--lr " + lr + " ") != std::string::npos) return limit_in(call);
    }
    return 0;
  }
  std::vector<std::string> calls() const {
    std::vector<std::string> lines;
    std::ifstream file(scratch_ / "calls");
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
  const TempDir scratch_;
  Study study_;
  Recorder observer_;
};

TEST_F(Runner, FinishedRunsAreNotDoneAgain) {
  add("a", "0.1");
  add("b", "0.2");
  EXPECT_EQ(run().failed, 0);
  EXPECT_THAT(observer_.begun, ElementsAre("a1", "b1", "a2", "b2"));
  EXPECT_THAT(calls().at(0), HasSubstr("train --lr 0.1 --seed 1 --out"));
  EXPECT_THAT(calls().at(0), HasSubstr("--threads 4"));
  add("c", "0.3");
  study_.variants[0].flags["--lr"] = "0.15";
  run();
  EXPECT_THAT(observer_.begun, ElementsAre("a1", "c1", "a2", "c2"));
  fs::remove_all(scratch_ / "out");  // the record is enough
  run();
  EXPECT_THAT(observer_.begun, ElementsAre());
}

TEST_F(Runner, AFailureIsReportedAndTheOthersAreDone) {
  add("a", "0.13");
  add("b", "0.2", {{"--from", "@a"}});
  add("c", "0.3");
  const StudyOutcome outcome = run();
  EXPECT_EQ(outcome.failed, 4);
  EXPECT_THAT(observer_.begun, ElementsAre("a1", "c1", "a2", "c2"));
  EXPECT_THAT(observer_.failures, Contains("a: no luck"));
  EXPECT_THAT(observer_.failures, Contains(HasSubstr("b: it needs the run a-1-")));
  run();
  EXPECT_THAT(observer_.begun, Contains("a1+")) << "it is tried again, from what it had saved";
}

TEST_F(Runner, WhatARunNeedsIsThereBeforeIt) {
  add("a", "0.1");
  add("b", "0.2", {{"--from", "@a"}});
  run({.jobs = 4});
  EXPECT_THAT(calls(), Contains(HasSubstr("--from " + (scratch_ / "out/runs/a-1-").string())));
  // Its weights are needed again, though its result is known.
  fs::remove_all(scratch_ / "out");
  study_.variants[1].flags["--lr"] = "0.25";
  EXPECT_EQ(run().failed, 0);
  EXPECT_THAT(observer_.begun, ElementsAre("a1", "b1", "a2", "b2"));
}

TEST_F(Runner, NothingBeginsWithWeightsOfARunThatWasInterrupted) {
  study_.seeds = {1};
  add("a", "0.1");
  run();
  fs::remove_all(scratch_ / "out");
  std::ofstream(begin(0) / "result.json")
      << R"({"params":1,"epochs":1,"test":{"top1":0},"interrupted":true})";
  add("b", "0.2", {{"--from", "@a"}});
  EXPECT_EQ(run().failed, 0);
  EXPECT_THAT(observer_.begun, ElementsAre("a1+", "b1"));
}

TEST_F(Runner, ARunThatSharedTheMachineOnceIsMarkedWhereverItEnds) {
  study_.seeds = {1};
  add("a", "0.1");
  add("b", "0.2");
  begin(0);
  // Of the second nothing else is left.
  for (const size_t variant : {0, 1}) std::ofstream(directory_of(variant).string() + ".shared");
  run();
  const Results results(scratch_ / "results.jsonl");
  EXPECT_TRUE(results.all().at(0).shared);
  EXPECT_FALSE(results.all().at(1).shared);
}

TEST_F(Runner, WhatCouldNotSayWhyItEndedIsExplained) {
  study_.seeds = {1};
  add("a", "0.16");
  add("b", "0.17");
  add("c", "0.3");
  EXPECT_EQ(run().failed, 2);
  EXPECT_THAT(observer_.failures, ElementsAre(AllOf(HasSubstr("a: it was ended by signal 9 (Killed)"),
                                                    HasSubstr("where memory runs out")),
                                              "b: it ended with 3 and said nothing"));
}

TEST_F(Runner, ARunThatCannotBeBegunIsAFailureOfItsOwn) {
  study_.seeds = {1};
  add("a", "0.1");
  add("b", "0.2");
  fs::create_directories(directory_of(0).string() + ".log/taken");
  EXPECT_EQ(run().failed, 1);
  EXPECT_THAT(observer_.failures, ElementsAre(HasSubstr(".log")));
  EXPECT_NE(Results(scratch_ / "results.jsonl").all().at(0).variant, "a");
}

TEST_F(Runner, WhereTheRecordCannotBeWrittenOtherRunsSaveFirst) {
  study_.seeds = {1};
  add("a", "0.8");
  add("b", "0.18");
  EXPECT_THROW(run({.jobs = 2}), Error);
  EXPECT_THAT(calls(), Contains("saved"));
}

TEST_F(Runner, JobsShareTheThreads) {
  add("a", "0.1");
  add("b", "0.2");
  run({.jobs = 2});
  EXPECT_THAT(calls(), Contains(HasSubstr("--threads 2")));
  EXPECT_TRUE(Results(scratch_ / "results.jsonl").all()[0].shared);
}

TEST_F(Runner, ASignalStopsItAndItGoesOn) {
  add("a", "0.1");
  add("b", "0.7");
  add("c", "0.3");
  const fs::path runs = scratch_ / "out/runs";
  const auto has_begun_to_wait = [&runs] {
    std::error_code failure;
    for (const auto& entry : fs::directory_iterator(runs, failure)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("b-") && fs::exists(entry.path() / "config.toml")) return true;
    }
    return false;
  };
  std::jthread terminal([&](const std::stop_token& over) {
    while (!over.stop_requested() && !has_begun_to_wait()) std::this_thread::yield();
    stop_requested = SIGINT;
  });
  const Stopwatch clock;
  EXPECT_TRUE(run().stopped);
  EXPECT_LT(clock.seconds(), 8) << "the run was not told";
  EXPECT_THAT(observer_.begun, ElementsAre("a1", "b1"));
  terminal.join();
  stop_requested = 0;
  for (Variant& variant : study_.variants) variant.seeds = {1};
  EXPECT_FALSE(run().stopped);
  EXPECT_THAT(observer_.begun, ElementsAre("b1+", "c1"));
  EXPECT_THAT(calls(), Contains(HasSubstr("resume " + (scratch_ / "out/runs/b-1-").string())));
}

TEST_F(Runner, TimeIsDividedFairly) {
  add("a", "0.1", {{"--max-time", "5h"}});
  add("b", "0.2");
  run({.max_seconds = 100});
  // A run that takes no time leaves all of its share to the others.
  const double left[] = {25, 100.0 / 3, 50, 100};
  ASSERT_EQ(calls().size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_LE(limit_in(calls()[i]), left[i]);
    EXPECT_GT(limit_in(calls()[i]), 0.9 * left[i]);
  }
  EXPECT_TRUE(calls()[0].find("5h") == std::string::npos);
}

TEST_F(Runner, JobsHaveEqualTimes) {
  study_.seeds = {1};
  for (const char* lr : {"0.1", "0.2", "0.3", "0.4"}) add(lr, lr);
  run({.jobs = 2, .max_seconds = 100});
  for (const char* lr : {"0.1", "0.2"}) EXPECT_NEAR(limit_of(lr), 50, 3);  // the first two, beside each other
}

TEST_F(Runner, WhereRunsDoNotFillThePlacesTheLastOnesHaveAsMuch) {
  study_.seeds = {1};
  for (const char* lr : {"0.1", "0.2", "0.3"}) add(lr, lr);
  run({.jobs = 2, .max_seconds = 100});
  for (const char* lr : {"0.1", "0.2"}) EXPECT_NEAR(limit_of(lr), 50, 3);
  study_.variants.clear();
  for (const char* lr : {"0.4", "0.5", "0.6", "0.75", "0.9"}) add(lr, lr);
  run({.jobs = 4, .max_seconds = 100});
  for (const char* lr : {"0.4", "0.5", "0.6", "0.75"}) EXPECT_NEAR(limit_of(lr), 50, 3);
}

TEST_F(Runner, RungsShareTheTimeByTheirWork) {
  study_.halving = 2;
  study_.seeds = {1};
  for (const char* lr : {"0.1", "0.2"}) add(lr, lr, {{"--epochs", "8"}});
  run({.max_seconds = 100});
  // Two halves, then the better one whole: a quarter of all for each half.
  EXPECT_NEAR(limit_in(calls()[0]), 25, 2);
}

TEST_F(Runner, TheRecordRepeatsARunThatHadALimit) {
  study_.seeds = {1};
  add("a", "0.1");
  run({.max_seconds = 100});
  EXPECT_THAT(Results(scratch_ / "results.jsonl").all().at(0).command,
              ::testing::MatchesRegex("frugal train --lr 0.1 --seed 1 --max-time [0-9.]+s"));
}

TEST_F(Runner, WhatGoesOnDoesNotOutlastTheTime) {
  study_.seeds = {1};
  add("a", "0.8", {{"--max-time", "5h"}});
  const fs::path directory = begin(0, /*limited=*/true);
  const Stopwatch clock;
  const StudyOutcome outcome = run({.max_seconds = 1.5});
  EXPECT_LT(clock.seconds(), 8);
  EXPECT_TRUE(outcome.stopped);
  EXPECT_EQ(outcome.failed, 0);
  EXPECT_TRUE(fs::exists(directory / "config.toml"));
}

TEST_F(Runner, WhatCannotGoOnNowIsKept) {
  study_.seeds = {1};
  add("a", "0.14");
  const fs::path directory = begin(0);
  EXPECT_EQ(run().failed, 1);
  EXPECT_THAT(observer_.failures, ElementsAre(AllOf(HasSubstr("a: the disk is full"), HasSubstr("kept"))));
  EXPECT_TRUE(fs::exists(directory / "weights"));
}

TEST_F(Runner, WhatCanNeverGoOnIsPutAsideAndBegunAnew) {
  study_.seeds = {1};
  add("a", "0.15");
  const fs::path directory = begin(0);
  EXPECT_EQ(run().failed, 0);
  EXPECT_THAT(observer_.put_aside, ElementsAre("a: " + directory.filename().string() + ".old"));
  EXPECT_TRUE(fs::exists(directory.string() + ".old/weights"));
  EXPECT_EQ(Results(scratch_ / "results.jsonl").all().size(), 1u);
}

TEST_F(Runner, ASignalInARungGivesNobodyUp) {
  study_.halving = 2;
  study_.seeds = {1};
  add("a", "0.1", {{"--epochs", "8"}});
  add("b", "0.7", {{"--epochs", "8"}});
  std::jthread terminal([&](const std::stop_token& over) {
    while (!over.stop_requested() && calls().size() < 2) std::this_thread::yield();
    stop_requested = SIGINT;
  });
  EXPECT_TRUE(run().stopped);
  EXPECT_THAT(observer_.given_up, ElementsAre());
}

TEST_F(Runner, HalvingGivesTheBetterOnesMore) {
  study_.halving = 2;
  study_.seeds = {1};
  add("base", "0.1", {{"--epochs", "8"}});
  for (const char* lr : {"0.2", "0.3", "0.4", "0.5"}) add(lr, lr, {{"--epochs", "8"}});
  const StudyOutcome outcome = run();
  EXPECT_THAT(observer_.begun, ElementsAre("base1/4", "0.21/4", "0.31/4", "0.41/4", "0.51/4", "base1/2",
                                           "0.31/2", "0.41/2", "0.51/2", "base1", "0.41", "0.51"));
  EXPECT_THAT(observer_.given_up, ElementsAre("0.2", "0.3"));
  EXPECT_THAT(calls().at(0), HasSubstr("--epochs 2 "));
  EXPECT_THAT(calls().back(), HasSubstr("--epochs 8 "));
  EXPECT_EQ(outcome.runs[1][0].part, 4);
  EXPECT_EQ(outcome.runs[4][0].part, 1);
  const Results results(scratch_ / "results.jsonl");
  const auto judged = judged_runs(study_, scratch_ / "out", false, results);
  for (size_t i = 0; i < judged.size(); ++i) EXPECT_EQ(judged[i][0].name, outcome.runs[i][0].name);
}

TEST_F(Runner, WhatWasAddedIsNotGivenUp) {
  study_.halving = 2;
  study_.seeds = {1};
  for (const char* lr : {"0.1", "0.2", "0.3", "0.4"}) add(lr, lr, {{"--epochs", "8"}});
  run();
  const auto judged = [&] {
    return judged_runs(study_, scratch_ / "out", false, Results(scratch_ / "results.jsonl"));
  };
  EXPECT_EQ(judged()[3][0].part, 1);
  for (Variant& variant : study_.variants) variant.seeds = {1, 2};
  for (const auto& runs : judged()) EXPECT_EQ(runs[0].part, 1) << "nobody has lost with both seeds yet";
}

TEST_F(Runner, ChildrenAreHeardWhereTheyWereToBeIgnored) {
  study_.seeds = {1};
  add("a", "0.1");
  const auto before = std::signal(SIGCHLD, SIG_IGN);  // as whoever started us may leave it
  EXPECT_EQ(run().failed, 0);
  std::signal(SIGCHLD, before);
}

TEST_F(Runner, AFailureInARungDoesNotHideWhatCameAfterIt) {
  study_.halving = 2;
  study_.seeds = {1};
  for (const char* lr : {"0.1", "0.13", "0.3", "0.4"}) add(lr, lr, {{"--epochs", "8"}});
  for (const char* base : {"0.1", "0.13"}) {  // which is kept though it fails
    SCOPED_TRACE(base);
    study_.base = base;
    fs::remove_all(scratch_ / "out");
    fs::remove(scratch_ / "results.jsonl");
    const StudyOutcome outcome = run();
    EXPECT_GT(outcome.failed, 0);
    const auto judged = judged_runs(study_, scratch_ / "out", false, Results(scratch_ / "results.jsonl"));
    for (size_t i = 0; i < judged.size(); ++i) EXPECT_EQ(judged[i][0].name, outcome.runs[i][0].name);
    EXPECT_EQ(judged[3][0].part, 1);
  }
}

}  // namespace
}  // namespace frugal

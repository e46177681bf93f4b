// A run that was stopped or killed and goes on ends as if nothing had happened.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <limits>

#include "base/safetensors.h"
#include "trainer_fixture.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

struct Killed {};  // unwinds the trainer without giving it a chance to save

/// What two runs have in common that are the same but for the clock.
struct Ending {
  std::map<std::string, std::vector<uint8_t>> tensors;
  std::vector<Json> log;
  Json result;
};

class Resume : public TrainerTest {
 protected:
  Resume() {
    config_.epochs = 4;
    config_.checkpoint_every = "1steps";
    config_.optimizer = "adam";  // the number of its steps counts
    config_.lr = 0.01;
  }

  void train_in(const fs::path& out, const RunControl& control = {}) {
    fs::create_directories(out);
    FakeEngine engine(graph_);
    result_ = train(engine, graph_, config_, data_, out, observer_, control);
  }
  void resume(const fs::path& out) {
    observer_ = {};
    stop_requested = 0;
    train_in(out, {.resume = true});
  }
  std::string resume_error(const fs::path& out, bool force = false) {
    observer_ = {};
    try {
      train_in(out, {.resume = true, .force = force});
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  /// Trains until `steps` steps are done, and then not even a destructor of ours saves anything.
  void kill_after(const fs::path& out, int64_t steps) {
    observer_ = {};
    observer_.step_hook = [&](int64_t, int64_t) {
      if (observer_.step_calls + 1 == steps) throw Killed();
    };
    EXPECT_THROW(train_in(out), Killed);
  }

  static Ending ending(const fs::path& out) {
    Ending end;
    for (const std::string name : {"last", "best"}) {
      if (!fs::exists(out / (name + ".safetensors"))) continue;
      const SafetensorsFile file = read_safetensors(out / (name + ".safetensors"));
      for (const TensorRecord& tensor : file.tensors) {
        end.tensors[name + " " + tensor.name].assign(tensor.data.begin(), tensor.data.end());
      }
    }
    std::ifstream file(out / "log.jsonl");
    for (std::string line; std::getline(file, line);) end.log.push_back(without_timing(Json::parse(line)));
    end.result = without_timing(Json::parse(read_text_file(out / "result.json")));
    return end;
  }
  static Json without_timing(Json json) {
    EXPECT_EQ(json.erase("timing"), json.contains("event") ? 0u : 1u);
    return json;
  }
  static void expect_same(const fs::path& a, const fs::path& b) {
    const Ending one = ending(a), other = ending(b);
    ASSERT_EQ(one.log.size(), other.log.size());
    for (size_t i = 0; i < one.log.size(); ++i) ASSERT_EQ(one.log[i], other.log[i]);
    EXPECT_EQ(one.result, other.result);
    ASSERT_EQ(one.tensors.size(), other.tensors.size());
    for (const auto& [name, bytes] : one.tensors) EXPECT_TRUE(other.tensors.at(name) == bytes) << name;
  }

  TrainResult result_;
};

TEST_F(Resume, AfterAStopAtAnyStepItEndsTheSame) {
  train_in(out_ / "whole");
  for (int64_t step = 1; step < 20; ++step) {
    const fs::path run = out_ / ("stopped-" + std::to_string(step));
    observer_ = {};
    observer_.step_hook = [&](int64_t, int64_t) {
      if (observer_.step_calls + 1 == step) stop_requested = 2;
    };
    train_in(run);
    ASSERT_TRUE(result_.interrupted);
    resume(run);
    EXPECT_FALSE(result_.interrupted);
    EXPECT_EQ(observer_.step_calls, 20 - step) << "no step is done twice";
    EXPECT_EQ(result_.history.size(), 4u);
    expect_same(out_ / "whole", run);
  }
}

TEST_F(Resume, WhatThawsLateGoesOnFromItsOwnFirstStep) {
  config_.freeze = "*.bias@0.4";  // step 8 of 20
  train_in(out_ / "whole");
  for (const int64_t step : {3, 8, 9, 15}) {
    const fs::path run = out_ / ("killed-" + std::to_string(step));
    kill_after(run, step);
    resume(run);
    expect_same(out_ / "whole", run);
  }
}

TEST_F(Resume, AfterAKillAtAnyStepItEndsTheSame) {
  for (const char* every : {"1steps", "3steps", "none"}) {
    config_.checkpoint_every = every;
    const fs::path whole = out_ / "whole" / every;
    observer_ = {};
    train_in(whole);
    for (int64_t step = 1; step <= 20; ++step) {
      const fs::path run = out_ / (std::string(every) + std::to_string(step));
      kill_after(run, step);
      resume(run);
      expect_same(whole, run);
    }
  }
}

TEST_F(Resume, EverythingThatHasAStateComesBack) {
  config_.optimizer = "adamw";
  config_.lookahead = "3";
  config_.ema = 0.9;
  config_.accumulate = 2;
  config_.warmup = "0.2";
  config_.schedule = "cosine";
  config_.augment = "flip";
  train_in(out_ / "whole");
  ASSERT_TRUE(ending(out_ / "whole").tensors.count("last ema.fc.weight") != 0);
  for (int64_t step = 1; step <= 20; ++step) {
    const fs::path run = out_ / ("run" + std::to_string(step));
    kill_after(run, step);
    resume(run);
    expect_same(out_ / "whole", run);
  }
}

TEST_F(Resume, AfterManyKillsItEndsTheSame) {
  train_in(out_ / "whole");
  const fs::path run = out_ / "run";
  kill_after(run, 2);
  for (int i = 0; i < 30; ++i) {
    observer_ = {};
    observer_.step_hook = [&](int64_t, int64_t) {
      if (observer_.step_calls == 1) throw Killed();
    };
    try {
      train_in(run, {.resume = true});
      break;
    } catch (const Killed&) {
    }
  }
  expect_same(out_ / "whole", run);
}

TEST_F(Resume, WhereNothingWasSavedItBeginsAnew) {
  config_.checkpoint_every = "none";
  train_in(out_ / "whole");
  kill_after(out_ / "run", 2);
  resume(out_ / "run");
  EXPECT_THAT(observer_.messages, testing::Contains(HasSubstr("nothing had been saved yet")));
  expect_same(out_ / "whole", out_ / "run");
}

TEST_F(Resume, TheLogIsCutBackToTheCheckpoint) {
  config_.checkpoint_every = "none";
  train_in(out_ / "whole");
  kill_after(out_ / "run", 12);
  std::ofstream(out_ / "run" / "log.jsonl", std::ios::app) << "{\"epoch\":3,\"half a li";
  resume(out_ / "run");
  expect_same(out_ / "whole", out_ / "run");
}

TEST_F(Resume, ALogThatLostLinesIsAnError) {
  kill_after(out_ / "run", 12);
  fs::resize_file(out_ / "run" / "log.jsonl", 3);
  EXPECT_THAT(resume_error(out_ / "run"), AllOf(HasSubstr("log.jsonl"), HasSubstr("2")));
}

TEST_F(Resume, ADamagedLastGivesWayToTheOneBefore) {
  train_in(out_ / "whole");
  kill_after(out_ / "run", 12);
  fs::resize_file(out_ / "run" / "last.safetensors", 700);
  resume(out_ / "run");
  EXPECT_EQ(observer_.step_calls, 20 - 10);
  EXPECT_THAT(observer_.messages,
              testing::Contains(
                  AllOf(HasSubstr("last.safetensors"), HasSubstr("last.prev.safetensors (after epoch 2)"))));
  expect_same(out_ / "whole", out_ / "run");
}

TEST_F(Resume, BestWeightsOfADiscardedFutureAreDropped) {
  train_in(out_ / "whole");
  kill_after(out_ / "run", 7);  // within the second epoch
  for (const char* name : {"best.safetensors", "best.next.safetensors"}) {
    fs::copy_file(out_ / "whole" / "best.safetensors", out_ / "run" / name,
                  fs::copy_options::overwrite_existing);
  }
  // They are of another step than the checkpoint knows, unless the first epoch was the best.
  ASSERT_NE(read_checkpoint_info(out_ / "whole" / "best.safetensors").extra["step"], "5");
  resume(out_ / "run");
  EXPECT_FALSE(fs::exists(out_ / "run" / "best.next.safetensors"));
  expect_same(out_ / "whole", out_ / "run");
}

TEST_F(Resume, BestWeightsThatWereNotYetRenamedAreFound) {
  train_in(out_ / "whole");
  kill_after(out_ / "run", 7);
  const fs::path best = out_ / "run" / "best.safetensors";
  fs::rename(best, out_ / "run" / "best.next.safetensors");
  resume(out_ / "run");
  expect_same(out_ / "whole", out_ / "run");
}

TEST_F(Resume, AFinishedTrainingIsOnlyTested) {
  train_in(out_ / "run");
  const fs::path copy = out_ / "copy";
  fs::copy(out_ / "run", copy);
  fs::remove(copy / "result.json");
  resume(copy);
  EXPECT_EQ(observer_.step_calls, 0);
  expect_same(out_ / "run", copy);
}

TEST_F(Resume, ARunOfAnotherConfigurationIsRefusedByName) {
  kill_after(out_ / "run", 7);
  config_.lr = 0.02;
  EXPECT_THAT(resume_error(out_ / "run"),
              AllOf(HasSubstr("lr = 0.01 became lr = 0.02"), HasSubstr("same run")));
  EXPECT_THAT(resume_error(out_ / "run", /*force=*/true), HasSubstr("lr = 0.01"))
      << "no force makes it the same";
  config_.lr = 0.01;
  config_.threads = 3;
  resume(out_ / "run");
}

TEST_F(Resume, ARunOnOtherDataIsRefused) {
  kill_after(out_ / "run", 7);
  Dataset other = make_data();
  other.fingerprint = "other";
  FakeEngine engine(graph_);
  try {
    train(engine, graph_, config_, other, out_ / "run", observer_, {.resume = true});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("the data (fingerprint): toy became other"));
  }
}

/// The checkpoint's description, changed as if another program had written it.
void pretend(const fs::path& file, const std::string& key, const std::string& value) {
  SafetensorsFile read = read_safetensors(file);
  read.metadata.erase("xxh3_128");
  read.metadata[key] = value;
  write_safetensors(file, read.metadata, read.tensors);
}

TEST_F(Resume, AnotherProgramOrMachineIsRefusedUnlessForced) {
  train_in(out_ / "whole");
  kill_after(out_ / "run", 7);
  pretend(out_ / "run" / "last.safetensors", "extra.run_program", "frugal 0.0");
  EXPECT_THAT(resume_error(out_ / "run"),
              AllOf(HasSubstr("the program: frugal 0.0 became frugal"), HasSubstr("--force")));
  pretend(out_ / "run" / "last.safetensors", "extra.run_machine", "SSE2, oneDNN 1");
  EXPECT_THAT(resume_error(out_ / "run"), HasSubstr("the instruction set: SSE2, oneDNN 1 became"));
  EXPECT_EQ(resume_error(out_ / "run", /*force=*/true), "");
  EXPECT_THAT(observer_.messages, testing::Contains(HasSubstr("as asked")));
  expect_same(out_ / "whole", out_ / "run");
}

/// Diverges once, in the third epoch.
struct Diverging {
  int64_t calls = 0;
  void operator()(LossSums& sums) {
    if (++calls == 13) sums.loss = std::numeric_limits<double>::infinity();
  }
};

TEST_F(Resume, ARunThatDivergesGoesBackIfItMay) {
  config_.on_divergence = "rollback:factor=0.25";
  FakeEngine engine(graph_);
  engine.on_train_step = Diverging();
  fs::create_directories(out_ / "run");
  const TrainResult result = train(engine, graph_, config_, data_, out_ / "run", observer_);
  EXPECT_EQ(result.history.size(), 4u);
  EXPECT_EQ(result.history[1].lr, 0.01);
  EXPECT_EQ(result.history[2].lr, 0.01 * 0.25);
  EXPECT_EQ(result.steps, 20);
  EXPECT_THAT(observer_.messages,
              testing::ElementsAre(AllOf(HasSubstr("the loss became infinite in epoch 3, step 3 of 5"),
                                         HasSubstr("after epoch 2"), HasSubstr("0.25 times"))));
  std::ifstream file(out_ / "run" / "log.jsonl");
  std::vector<Json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(Json::parse(line));
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[2]["event"], "rollback");
  EXPECT_EQ(lines[2]["lr_factor"], 0.25);

  // The epoch is done again as it would have been at that rate.
  config_.on_divergence = "stop";
  train_in(out_ / "smooth");
  EXPECT_EQ(result.history[1].train.loss, result_.history[1].train.loss);
  EXPECT_NE(result.history[2].train.loss, result_.history[2].train.loss);
}

TEST_F(Resume, AfterSoManyTimesItGivesUp) {
  config_.on_divergence = "rollback:times=2";
  FakeEngine engine(graph_);
  engine.on_train_step = [](LossSums& sums) { sums.loss = std::numeric_limits<double>::quiet_NaN(); };
  fs::create_directories(out_ / "run");
  try {
    train(engine, graph_, config_, data_, out_ / "run", observer_);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("NaN in epoch 1, step 1"), HasSubstr("gone back 2 times")));
  }
}

TEST_F(Resume, ARunUnderAClockMayGoBackToo) {
  config_.epochs = 0;
  config_.max_time = "0.5s";
  config_.on_divergence = "rollback";
  config_.checkpoint_every = "none";
  const auto once = [&](const fs::path& out, const RunControl& control) {
    FakeEngine engine(graph_);
    engine.on_train_step = Diverging();
    fs::create_directories(out);
    train(engine, graph_, config_, data_, out, observer_, control);
  };
  once(out_ / "run", {});
  const ProgressLog log = read_progress(out_ / "run" / "progress.bin");
  EXPECT_EQ(log.trained, std::ssize(log.steps));
  once(out_ / "again", {.replay = log});
  expect_same(out_ / "run", out_ / "again");
}

TEST_F(Resume, GoingBackLeavesTheClockWhereItWas) {
  config_.epochs = 0;
  config_.max_time = "2s";
  config_.on_divergence = "rollback";
  FakeEngine engine(graph_);
  engine.on_train_step = [&, diverged = false](LossSums& sums) mutable {
    if (engine.keys.size() != 4 || diverged) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(800));
    sums.loss = std::numeric_limits<double>::infinity();
    diverged = true;
  };
  fs::create_directories(out_ / "run");
  train(engine, graph_, config_, data_, out_ / "run", observer_);
  ASSERT_EQ(observer_.messages.size(), 1u);
  const auto extra = read_checkpoint_info(out_ / "run" / "last.safetensors").extra;
  EXPECT_LT(std::stod(extra.at("first_step")), 0.8) << "not when the first step after it began";
}

TEST_F(Resume, KilledBetweenACheckpointAndItsBoundaryItGoesBackToTheSamePlace) {
  config_.on_divergence = "rollback:factor=0.25";
  const auto diverging = [&](const fs::path& out, const RunControl& control, int64_t step) {
    FakeEngine engine(graph_);
    engine.on_train_step = [&, diverged = false](LossSums& sums) mutable {
      if (diverged || engine.keys.back().epoch != 3) return;
      diverged = true;
      sums.loss = std::numeric_limits<double>::infinity();
    };
    observer_ = {};
    observer_.step_hook = [&](int64_t, int64_t) {
      if (observer_.step_calls == step) throw Killed();
    };
    train(engine, graph_, config_, data_, out, observer_, control);
  };
  for (const std::string name : {"whole", "run", "older"}) fs::create_directories(out_ / name);
  diverging(out_ / "whole", {}, -1);
  config_.checkpoint_every = "none";
  EXPECT_THROW(diverging(out_ / "older", {}, 12), Killed);  // in the third epoch
  EXPECT_THROW(diverging(out_ / "run", {}, 17), Killed);    // in the fourth
  fs::copy_file(out_ / "older" / "boundary.safetensors", out_ / "run" / "boundary.safetensors",
                fs::copy_options::overwrite_existing);
  diverging(out_ / "run", {.resume = true}, -1);
  const Ending whole = ending(out_ / "whole"), run = ending(out_ / "run");
  EXPECT_EQ(whole.log, run.log);
  EXPECT_TRUE(whole.tensors == run.tensors);
}

TEST_F(Resume, AfterAllEpochsPatienceHasNotEndedIt) {
  config_.lr = 0;
  config_.epochs = 4;
  config_.patience = 3;
  train_in(out_ / "run");
  EXPECT_EQ(result_.epochs, 4);
  EXPECT_FALSE(result_.stopped_early);
}

TEST_F(Resume, PatienceEndsARunAndSoItStays) {
  config_.lr = 0;  // no validation is better than the first
  config_.epochs = 100;
  config_.patience = 3;
  train_in(out_ / "whole");
  EXPECT_EQ(result_.epochs, 4);
  EXPECT_TRUE(result_.stopped_early);
  kill_after(out_ / "run", 17);
  resume(out_ / "run");
  expect_same(out_ / "whole", out_ / "run");
}

TEST_F(Resume, ARunUnderAClockGoesOnWithTheTimeItHasLeft) {
  config_.epochs = 0;
  config_.max_time = "2s";
  config_.checkpoint_every = "50steps";
  observer_.step_hook = [&](int64_t, int64_t) {
    if (observer_.step_calls == 200) throw Killed();
  };
  EXPECT_THROW(train_in(out_ / "run"), Killed);
  const ProgressLog before = read_progress(out_ / "run" / "progress.bin");
  EXPECT_EQ(before.steps.size(), 201u);
  resume(out_ / "run");
  const ProgressLog after = read_progress(out_ / "run" / "progress.bin");
  EXPECT_FALSE(result_.interrupted);
  EXPECT_EQ(after.trained, static_cast<int64_t>(after.steps.size()));
  EXPECT_EQ(result_.steps, after.trained);
  EXPECT_TRUE(std::equal(after.steps.begin(), after.steps.begin() + 200, before.steps.begin()));
  EXPECT_TRUE(std::ranges::is_sorted(after.steps));
  EXPECT_GT(result_.wall_seconds, before.seconds_used);
  EXPECT_EQ(after.tested, result_.test.samples);  // deadlines are pace_test's, whose machine obeys
}

TEST_F(Resume, AReplayRepeatsARunUnderAClock) {
  config_.epochs = 0;
  config_.max_time = "0.5s";
  config_.schedule = "onecycle";
  config_.validate_every = "auto";
  config_.checkpoint_every = "none";
  train_in(out_ / "run");
  const ProgressLog log = read_progress(out_ / "run" / "progress.bin");
  ASSERT_GT(log.steps.size(), 10u);
  observer_ = {};
  train_in(out_ / "again", {.replay = log});
  expect_same(out_ / "run", out_ / "again");
  EXPECT_EQ(read_progress(out_ / "again" / "progress.bin").steps, log.steps) << "and can be repeated again";
}

TEST_F(Resume, ARunThatWasStoppedInItsTestCanBeRepeated) {
  config_.epochs = 0;
  config_.max_time = "0.5s";
  config_.checkpoint_every = "none";
  train_in(out_ / "run");
  fs::remove(out_ / "run" / "result.json");
  resume(out_ / "run");
  const ProgressLog log = read_progress(out_ / "run" / "progress.bin");
  ASSERT_EQ(log.trained, std::ssize(log.steps));
  train_in(out_ / "again", {.replay = log});
  expect_same(out_ / "run", out_ / "again");
}

TEST_F(Resume, AReplayStoppedInItsLastValidationTakesNoStepMore) {
  config_.epochs = 0;
  config_.max_time = "0.5s";
  ProgressLog log;
  log.steps = {0, 0.1, 0.3, 0.4, 0.6};
  log.validate = {{5, true}};
  log.trained = 5, log.trained_late = true, log.tested = 30;
  observer_.epoch_hook = [](int64_t) { stop_requested = 2; };
  train_in(out_ / "again", {.replay = log});
  ASSERT_TRUE(result_.interrupted);
  observer_ = {};
  stop_requested = 0;
  train_in(out_ / "again", {.resume = true, .replay = log});
  EXPECT_EQ(result_.steps, 5);
}

TEST_F(Resume, AReplayCutsTheAveragesValidationWhereItWasCut) {
  config_.epochs = 0;
  config_.max_time = "0.5s";
  config_.ema = 0.9;
  // A run that ended within its second epoch, and whose time ran out in the middle of the second validation.
  ProgressLog log;
  log.steps = {0, 0.1, 0.3, 0.4, 0.6, 0.9};
  log.trained = 6, log.validated = 20, log.averaged = 8;
  train_in(out_ / "again", {.replay = log});
  EXPECT_EQ(result_.steps, 6);
  EXPECT_EQ(result_.history.back().val.samples, 20);
  EXPECT_EQ(result_.history.back().ema.samples, 0);
  EXPECT_EQ(read_progress(out_ / "again" / "progress.bin").averaged, 8);
}

}  // namespace
}  // namespace frugal

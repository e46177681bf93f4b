#include "train/pace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "train/clock_pace.h"

namespace frugal {
namespace {

TEST(EpochPace, ProgressIsThePartOfTheSteps) {
  const auto pace = make_epoch_pace({.epochs = 2, .steps_per_epoch = 4, .train_images = 16});
  EXPECT_EQ(pace->next_step(0), 0.0);
  EXPECT_EQ(pace->next_step(6), 0.75);
  EXPECT_FALSE(pace->next_step(8));
  EXPECT_FALSE(pace->decides_by_clock());
}

TEST(EpochPace, ValidatesAsOftenAsAskedOrAsItIsCheap) {
  PaceSizes sizes{
      .epochs = 9, .steps_per_epoch = 4, .train_images = 45000, .val_images = 5000, .validate_every = 3};
  EXPECT_FALSE(make_epoch_pace(sizes)->validate(2, 8));
  EXPECT_TRUE(make_epoch_pace(sizes)->validate(3, 12));
  EXPECT_EQ(validation_interval(sizes), 2);  // 5,000 / (3 * 45,000) = 3.7 %
  sizes.evaluations = 2;
  EXPECT_EQ(validation_interval(sizes), 3);
  sizes.val_images = 0;
  EXPECT_EQ(validation_interval(sizes), 1);
}

TEST(ReplayPace, DoesWhatWasWrittenDown) {
  ProgressLog log;
  log.steps = {0, 0.5, 0.75};
  log.validate = {{2, true}, {3, false}};
  log.validated = 10, log.averaged = 8, log.tested = 7;
  const auto pace = make_replay_pace(log);
  EXPECT_EQ(pace->next_step(1), 0.5);
  EXPECT_FALSE(pace->next_step(3));
  EXPECT_TRUE(pace->another_epoch(2));
  EXPECT_FALSE(pace->another_epoch(3));
  log.trained_late =
      true;  // at the last epoch's end there was time for another step, after its validation none
  EXPECT_TRUE(make_replay_pace(log)->another_epoch(3));
  EXPECT_FALSE(make_replay_pace(log)->next_step(3));
  EXPECT_TRUE(pace->validate(1, 2));
  EXPECT_FALSE(pace->validate(1, 3));
  EXPECT_EQ(pace->grant(FinalPass::validation, 0, 64), 10);
  EXPECT_EQ(pace->grant(FinalPass::average, 4, 64), 4);
  EXPECT_EQ(pace->grant(FinalPass::test, 4, 4), 3);
  EXPECT_EQ(pace->grant(FinalPass::test, 7, 4), 0);
}

/// A machine whose steps, evaluations and checkpoints take what they are told to.
struct Machine {
  double now = 0.5;  // reading the data took half a second
  double step = 0.1, image = 0.001, save = 0.05;
  int64_t steps = 0, validations = 0;
  double training = 0;
  PaceSizes sizes{.steps_per_epoch = 20, .train_images = 2000, .val_images = 500, .test_images = 1000};

  ClockPace pace(double limit) {
    return {{.limit = limit, .first_step = -1, .used = [this] { return now; }}, sizes};
  }
  void probe(ClockPace& pace) {
    now += save;
    pace.took_save(save);
    now += 2 * 100 * image;
    pace.took_evaluation(100, 100 * image);
  }
  /// The course of a whole run; returns the last step's progress.
  double run(ClockPace& pace) {
    probe(pace);
    double last = -1;
    while (const auto progress = pace.next_step(steps)) {
      EXPECT_GE(*progress, last);
      last = *progress;
      now += step, training += step, ++steps;
      pace.took_step(step);
      if (pace.wants_probe()) {
        now += 10 * image;
        pace.took_evaluation(10, 10 * image);
      }
      if (steps % sizes.steps_per_epoch == 0 && pace.validate(steps / sizes.steps_per_epoch, steps)) {
        now += 500 * image, ++validations;
        pace.took_validation(500, 500 * image);
      }
      if (change) change(*this);
    }
    tested = 0;
    final_pass(pace, FinalPass::validation, 500);
    now += save;
    tested = final_pass(pace, FinalPass::test, 1000);
    return last;
  }
  int64_t final_pass(ClockPace& pace, FinalPass pass, int64_t all) {
    int64_t done = 0;
    while (done < all) {
      const int64_t granted = pace.grant(pass, done, std::min<int64_t>(50, all - done));
      if (granted == 0) break;
      now += static_cast<double>(granted) * image;
      done += granted;
      if (change) change(*this);
    }
    return done;
  }
  std::function<void(Machine&)> change;
  int64_t tested = 0;
};

TEST(ClockPace, ASteadyMachineEndsJustBeforeTheDeadline) {
  for (const double limit : {10.0, 30.0, 60.0, 300.0}) {
    Machine machine;
    ClockPace pace = machine.pace(limit);
    const double last = machine.run(pace);
    EXPECT_GT(last, 1 - 3 * 0.1 / limit) << "the schedule completes";
    EXPECT_LT(last, 1);
    EXPECT_EQ(machine.tested, 1000);
    EXPECT_LE(machine.now, limit);
    EXPECT_GE(machine.now, limit - 0.2 - 0.25) << "a step, and the margin";
  }
}

TEST(ClockPace, AResumedRunKeepsToTheShareOfValidation) {
  Machine machine;
  machine.now = 100;
  ClockPace pace({.limit = 200, .first_step = 1, .used = [&machine] { return machine.now; }}, machine.sizes);
  machine.probe(pace);
  machine.step = 0.1;
  const double began = machine.now;
  while (machine.now < 150) {
    ASSERT_TRUE(pace.next_step(machine.steps));
    machine.now += 0.1, ++machine.steps;
    pace.took_step(0.1);
    if (machine.steps % 20 == 0 && pace.validate(machine.steps / 20, machine.steps)) {
      machine.now += 0.5, ++machine.validations;
      pace.took_validation(500, 0.5);
      EXPECT_LE(0.5 * static_cast<double>(machine.validations), 0.031 * (machine.now - began));
    }
  }
  EXPECT_GE(machine.validations, 2);
}

TEST(ClockPace, WhateverTheMachineDoesTheDeadlineHolds) {
  // A stranger comes and goes: everything takes twice as long in every other stretch of `period` seconds.
  for (const double period : {0.7, 3.0, 11.0, 40.0}) {
    for (const double phase : {0.0, 0.3, 0.6, 0.9}) {
      for (const double limit : {15.0, 30.0, 60.0, 120.0}) {
        Machine machine;
        machine.change = [=](Machine& m) {
          const bool loaded = std::fmod(m.now / period + 2 * phase, 2) < 1;
          m.step = loaded ? 0.1 : 0.05;
          m.image = loaded ? 0.001 : 0.0005;
        };
        machine.change(machine);
        ClockPace pace = machine.pace(limit);
        const double last = machine.run(pace);
        EXPECT_LE(machine.now, limit);
        EXPECT_GE(machine.now, 0.95 * limit) << period << " " << phase << " " << limit;
        EXPECT_GT(last, 0.97);
        if (limit < 60) continue;
        EXPECT_GE(machine.now, 0.97 * limit) << period << " " << phase << " " << limit;
        EXPECT_GE(machine.training, 0.9 * limit);
      }
    }
  }
}

TEST(ClockPace, AStrangerWhoComesToStayCutsTheTestShort) {
  Machine machine;
  ClockPace pace = machine.pace(30);
  machine.change = [](Machine& m) {
    if (m.now > 27.8) m.image = 0.01;
  };
  machine.run(pace);
  EXPECT_LE(machine.now, 30 + 50 * 0.01) << "at most by the block that was under way when it came";
  EXPECT_LT(machine.tested, 1000);
}

TEST(ClockPace, AutomaticValidationStaysBelowItsShare) {
  Machine machine;
  ClockPace pace = machine.pace(200);
  machine.run(pace);
  EXPECT_GT(machine.validations, 3);
  EXPECT_LE(static_cast<double>(machine.validations) * 0.5, 0.03 * 200);
}

TEST(ClockPace, EpochsEndItWhereTheyComeFirst) {
  Machine machine;
  machine.sizes.epochs = 2;
  ClockPace pace = machine.pace(1000);
  EXPECT_DOUBLE_EQ(machine.run(pace), 39.0 / 40);
  EXPECT_EQ(machine.steps, 40);
}

TEST(ClockPace, WithoutTimeThereIsNoStep) {
  Machine machine;
  ClockPace pace = machine.pace(1);
  machine.run(pace);
  EXPECT_EQ(machine.steps, 0);
  EXPECT_LE(machine.now, 1);
}

TEST(ClockPace, AFirstStepThatWouldNotFitIsNotTaken) {
  Machine machine;
  machine.image = 0.05;  // a step of 100 images takes three times as much an image
  machine.step = 15;
  machine.sizes.val_images = machine.sizes.test_images = 0;
  ClockPace pace = machine.pace(20);
  machine.probe(pace);
  EXPECT_FALSE(pace.next_step(0));
  ClockPace longer = machine.pace(60);
  machine.probe(longer);
  EXPECT_TRUE(longer.next_step(0));
}

TEST(ClockPace, WhereEvaluatingWouldTakeAllTheTimeStepsGetHalfOfIt) {
  Machine machine;
  machine.image = 0.02;  // 30 seconds in all
  ClockPace pace = machine.pace(30);
  machine.run(pace);
  EXPECT_GE(machine.training, 0.25 * 30);  // this one spends a quarter on probes
  EXPECT_LE(machine.now, 30);
  EXPECT_GT(machine.tested, 0) << "half of the time suffices for all of validation and a part of the test";
  EXPECT_LT(machine.tested, 1000);
}

TEST(ClockPace, WhereTheValidationWouldNotFitTheTestGetsItsTime) {
  Machine machine;
  machine.image = 0.02;
  machine.sizes.val_images = 1500;  // as long as the whole run
  ClockPace pace = machine.pace(30);
  machine.probe(pace);
  while (pace.next_step(machine.steps)) {
    machine.now += machine.step, ++machine.steps;
    pace.took_step(machine.step);
    EXPECT_FALSE(pace.validate(1, machine.steps));
  }
  EXPECT_GT(machine.steps, 0);
  EXPECT_EQ(machine.final_pass(pace, FinalPass::validation, 1500), 0);
  EXPECT_GT(machine.final_pass(pace, FinalPass::test, 1000), 300);
  EXPECT_LE(machine.now, 30);
}

TEST(ClockPace, AValidationThatWouldOutlastTheLimitIsLeftOut) {
  Machine machine;
  machine.image = 0.02;
  machine.sizes.val_images = 1500;
  machine.sizes.validate_every = 1;
  ClockPace pace = machine.pace(60);
  machine.probe(pace);
  machine.now = 20;
  EXPECT_TRUE(pace.validate(1, 20));
  machine.now = 35;
  EXPECT_FALSE(pace.validate(2, 40));
}

TEST(ClockPace, AResumedRunCountsFromItsFirstStep) {
  double now = 60;
  ClockPace pace({.limit = 100, .first_step = 10, .used = [&] { return now; }}, {.steps_per_epoch = 10});
  EXPECT_NEAR(*pace.next_step(500), 50.0 / 90, 0.01);
}

}  // namespace
}  // namespace frugal

// Schedules against PyTorch's numbers and the papers' formulas (tools/goldens/schedules.py), and the laws
// that hold whatever their options.
#include "train/schedule.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "golden_input.h"
#include "train/warmup.h"

namespace frugal {
namespace {

TEST(ScheduleGolden, OverProgressAreTheirOriginals) {
  const auto golden = read_golden("progress_schedules.json");
  ASSERT_EQ(golden["cases"].size(), 24u);
  for (const auto& expected : golden["cases"]) {
    const auto schedule = parse_schedule(expected["spec"], expected.value("warmup", "none"));
    const auto rates = expected["rates"].get<std::vector<double>>();
    for (size_t step = 0; step < rates.size(); ++step) {
      const double progress = static_cast<double>(step) / static_cast<double>(rates.size());
      EXPECT_NEAR(schedule->factor(moment_at(progress, static_cast<int64_t>(step), 10)), rates[step], 1e-13)
          << expected["spec"] << " " << expected["warmup"] << " step " << step;
    }
  }
}

constexpr const char* to_nothing[] = {
    "linear", "cosine",           "cosine:restarts=4,mult=1.5", "polynomial", "polynomial:power=0.5", "rex",
    "wsd",    "wsd:shape=cosine", "wsd:shape=1-sqrt,decay=1"};

std::string with_final(const std::string& spec, const std::string& value) {
  return spec + (spec.find(':') == std::string::npos ? ":" : ",") + "final=" + value;
}

TEST(Schedule, StartsAtOneAndEndsWhereItSays) {
  for (const std::string spec : to_nothing) {
    EXPECT_EQ(parse_schedule(spec)->factor({0, 0}), 1) << spec;
    EXPECT_EQ(parse_schedule(spec)->factor({1, 9}), 0) << spec;
    EXPECT_EQ(parse_schedule(with_final(spec, "0.25"))->factor({1, 9}), 0.25) << spec;
  }
}

TEST(Schedule, StaysBetweenItsEndsAndFallsBetweenRestarts) {
  for (const std::string spec : to_nothing) {
    const auto schedule = parse_schedule(with_final(spec, "0.125"));
    double before = 1;
    int rises = 0;
    for (int i = 0; i <= 10'000; ++i) {
      const double factor = schedule->factor({i / 10'000.0, 0});
      ASSERT_GE(factor, 0.125) << spec << " " << i;
      ASSERT_LE(factor, 1) << spec << " " << i;
      rises += factor > before;
      before = factor;
    }
    EXPECT_EQ(rises, spec.find("restarts") == std::string::npos ? 0 : 4) << spec;
  }
}

/// Whatever the rounding of step / steps makes of the place where a part begins.
TEST(Schedule, ARestartBeginsOnItsStep) {
  for (int parts = 2; parts <= 60; ++parts) {
    const auto schedule = parse_schedule("cosine:restarts=" + std::to_string(parts - 1));
    constexpr int steps_of_a_part = 7;
    for (int part = 0; part < parts; ++part) {
      const double first = part * steps_of_a_part, steps = parts * steps_of_a_part;
      EXPECT_NEAR(schedule->factor({first / steps, 0}), 1, 1e-12) << part << " of " << parts;
      EXPECT_LT(schedule->factor({(first + steps_of_a_part - 1) / steps, 0}), 0.06)
          << part << " of " << parts;
    }
  }
}

TEST(Schedule, WsdIsStableUntilItDecays) {
  const auto schedule = parse_schedule("wsd:decay=0.25");
  for (const double progress : {0.0, 0.5, 0.75}) EXPECT_EQ(schedule->factor({progress, 0}), 1);
  EXPECT_LT(schedule->factor({0.76, 0}), 1);
  EXPECT_EQ(schedule->factor({0.875, 0}), 0.5);
}

TEST(Schedule, ProgressBeyondTheRunIsItsEnd) {
  for (const std::string spec : to_nothing) {
    EXPECT_EQ(parse_schedule(spec)->factor({1 + 1e-9, 0}), 0) << spec;
    EXPECT_EQ(parse_schedule(spec)->factor({-1e-9, 0}), 1) << spec;
  }
}

TEST(Warmup, LeavesTheScheduleAloneOnceItIsOver) {
  for (const char* text :
       {"none", "0", "0epochs", "0steps", "0.25", "1epoch", "10steps", "1epochs:start=0.5"}) {
    const auto warmed = parse_schedule("step:size=1,gamma=0.3", text),
               plain = parse_schedule("step:size=1,gamma=0.3");
    for (const int64_t step : {10, 17, 39}) {
      const RunMoment now = moment_at(static_cast<double>(step) / 40, step, 10);
      EXPECT_EQ(warmed->factor(now), plain->factor(now)) << text << " " << step;
    }
  }
}

TEST(Warmup, CountsInItsOwnUnit) {
  const RunMoment now =
      moment_at(0.125, 30, 40);  // a quarter of the run is an epoch and a half: a clock says so
  EXPECT_EQ(now.epoch, 0);
  EXPECT_EQ(now.epochs, 0.75);
  EXPECT_DOUBLE_EQ(parse_warmup("0.25:start=0").factor(now), 0.5);
  EXPECT_DOUBLE_EQ(parse_warmup("1.5epochs:start=0").factor(now), 0.5);
  EXPECT_DOUBLE_EQ(parse_warmup("60steps:start=0").factor(now), 0.5);
  EXPECT_DOUBLE_EQ(parse_warmup("60steps:start=0.2").factor(now), 0.6);
  EXPECT_EQ(parse_warmup("1epoch").factor({}), 0.01);
}

TEST(Warmup, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"", "5", "1.5", "-0.1", "epochs", "5weeks", "-1epochs", "2.5steps", "1e13steps",
                           "0.1:start=2", "0.1:start=-1", "0.1:end=1", "none:start=0.1", "nan", "0.1,0.2"}) {
    try {
      parse_warmup(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage) << text;
    }
  }
}

TEST(Schedule, RefusesWhatItDoesNotKnow) {
  for (const char* spec : {"",
                           "warp",
                           "step",
                           "step:size=0",
                           "step:size=5,gamma=0",
                           "step:size=5,gamma=2",
                           "multistep",
                           "multistep:at=",
                           "multistep:at=3|x",
                           "multistep:at=0",
                           "exponential",
                           "constant:gamma=1",
                           "step:size=2.5",
                           "linear:final=2",
                           "linear:final=-0.1",
                           "linear:power=2",
                           "linear:final=nan",
                           "cosine:restarts=-1",
                           "cosine:restarts=1.5",
                           "cosine:mult=0.5",
                           "cosine:restarts=100,mult=2",
                           "polynomial:power=0",
                           "polynomial:power=x",
                           "rex:beta=1",
                           "wsd:decay=0",
                           "wsd:decay=1.1",
                           "wsd:shape=cliff",
                           "wsd:warmup=0.1",
                           "onecycle:warmup=1",
                           "onecycle:div=0",
                           "onecycle:final=0"}) {
    try {
      parse_schedule(spec);
      ADD_FAILURE() << spec;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage) << spec;
    }
  }
}

TEST(Schedule, UnknownNamesListTheKnown) {
  try {
    parse_schedule("moon");
    ADD_FAILURE();
  } catch (const Error& error) {
    for (const char* name : {"constant", "step", "multistep", "exponential", "linear", "cosine", "polynomial",
                             "rex", "wsd", "onecycle"}) {
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << name;
    }
  }
}

TEST(Schedule, LooksAtNothingButItsArguments) {
  const auto schedule = parse_schedule("multistep:at=60|30,gamma=0.5");
  EXPECT_EQ(schedule->factor({0, 59}), 0.5);
  EXPECT_EQ(schedule->factor({0, 60}), 0.25);
  EXPECT_EQ(schedule->factor({1, 29}), 1);
  EXPECT_EQ(schedule->factor({0.3, 30}), 0.5);
  EXPECT_EQ(parse_schedule("step:size=1,gamma=0.1")->factor({0, 1'000'000}), 0);
}

}  // namespace
}  // namespace frugal

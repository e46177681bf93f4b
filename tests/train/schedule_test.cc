// Schedules against PyTorch's numbers and the papers' formulas (tools/goldens/schedules.py), and the laws
// that hold whatever their options.
#include "train/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "golden_input.h"

namespace frugal {
namespace {

TEST(ScheduleGolden, OverProgressAreTheirOriginals) {
  const auto golden = read_golden("progress_schedules.json");
  ASSERT_EQ(golden["cases"].size(), 15u);
  for (const auto& expected : golden["cases"]) {
    const auto schedule = parse_schedule(expected["spec"]);
    const auto& rates = expected["rates"];
    for (size_t step = 0; step < rates.size(); ++step) {
      const double progress = static_cast<double>(step) / static_cast<double>(rates.size());
      EXPECT_NEAR(schedule->factor({progress, 0}), rates[step].get<double>(), 1e-13)
          << expected["spec"] << " step " << step;
    }
  }
}

constexpr const char* to_nothing[] = {"linear",
                                      "cosine",
                                      "cosine:restarts=4,mult=1.5",
                                      "polynomial",
                                      "polynomial:power=0.5",
                                      "rex",
                                      "wsd",
                                      "wsd:shape=cosine",
                                      "wsd:shape=1-sqrt,decay=1"};

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
      EXPECT_LT(schedule->factor({(first + steps_of_a_part - 1) / steps, 0}), 0.06) << part << " of " << parts;
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

TEST(Schedule, RefusesWhatItDoesNotKnow) {
  for (const char* spec :
       {"", "warp", "step", "step:size=0", "step:size=5,gamma=0", "step:size=5,gamma=2", "multistep",
        "multistep:at=", "multistep:at=3|x", "multistep:at=0", "exponential", "constant:gamma=1",
        "step:size=2.5", "linear:final=2", "linear:final=-0.1", "linear:power=2", "linear:final=nan",
        "cosine:restarts=-1", "cosine:restarts=1.5", "cosine:mult=0.5", "cosine:restarts=100,mult=2",
        "polynomial:power=0", "polynomial:power=x", "rex:beta=1", "wsd:decay=0", "wsd:decay=1.1",
        "wsd:shape=cliff", "wsd:warmup=0.1", "onecycle:warmup=1", "onecycle:div=0", "onecycle:final=0"}) {
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

// The learning rate over a whole run, without the run: what `frugal schedule` draws and tabulates.
#pragma once

#include <cstdint>
#include <vector>

#include "train/schedule.h"

namespace frugal {

/// The learning rate of one step.
struct RatePoint {
  RunMoment at;
  double rate = 0;
};

/// An epoch-driven run, its rates as the trainer computes them.
struct RateCurve {
  double lr = 0;
  int64_t epochs = 1, steps_per_epoch = 1;

  int64_t steps() const { return epochs * steps_per_epoch; }
  RatePoint at(const Schedule& schedule, int64_t step) const;
};

/// Some 1,000 steps (or all, if there are fewer) spread evenly over the run, first and last included, and the
/// steps on both sides of every end of an epoch that lies between two of them, so that a rate that jumps
/// there is drawn as a jump. In order.
std::vector<RatePoint> sample_rates(const Schedule& schedule, const RateCurve& curve);

}  // namespace frugal

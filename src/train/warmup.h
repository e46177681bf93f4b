// Warm-up: a straight ramp that multiplies whatever the schedule says in the first part of a run (Goyal et
// al., "Accurate, Large Minibatch SGD", 2017, section 2.2).
#pragma once

#include <string>

namespace frugal {

struct RunMoment;

struct Warmup {
  enum class Unit { fraction, epochs, steps };
  Unit unit = Unit::fraction;
  double length = 0;    // in that unit; 0: no warm-up
  double start = 0.01;  // the factor of the first step

  /// start + (1 - start) * done / length while `done`, in the unit, is below the length; then 1. PyTorch's
  /// LinearLR with start_factor `start` and total_iters `length`, called every step.
  double factor(const RunMoment& now) const;
};

/// "none", "0.05" (of the run), "5epochs", "0.5epochs", "500steps", each with an option: "5epochs:start=0.1"
/// (0.01 if unsaid, as torchvision's reference training). Anything else is a usage error.
Warmup parse_warmup(const std::string& text);

}  // namespace frugal

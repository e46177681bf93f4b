// Schedules: by which factor the learning rate is multiplied, as a pure function of where the run is. What
// PyTorch chains (rate *= gamma) is repeated here from the start, so a resumed run needs no state.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace frugal {

/// Where a run is, before a step is taken: `progress` in [0, 1] of what it may use (steps, or time), `epoch`
/// from 0; `step` from 0 through the whole run; `epochs` that have been done, the part of the one under way
/// included.
struct RunMoment {
  double progress = 0;
  int64_t epoch = 0;
  int64_t step = 0;
  double epochs = 0;
};

/// The moment before step `step` of a run whose epochs have `steps_per_epoch` steps.
RunMoment moment_at(double progress, int64_t step, int64_t steps_per_epoch);

class Schedule {
 public:
  virtual ~Schedule() = default;
  virtual double factor(const RunMoment& now) const = 0;
};

/// By epoch, as PyTorch's classes of those names:
/// - "constant"
/// - "step:size=5,gamma=0.2": StepLR; times gamma after every 5 epochs (gamma 0.1 if unsaid)
/// - "multistep:at=30|60,gamma=0.1": MultiStepLR; times gamma from each of these epochs on
/// - "exponential:gamma=0.9": ExponentialLR; times gamma after every epoch
///
/// By progress: "linear", "cosine", "polynomial", "rex", "wsd" and "onecycle", see progress_schedules.h.
/// Unknown names and values out of range are usage errors.
///
/// Whatever the schedule, its factor is multiplied by that of `warmup`, see warmup.h.
std::unique_ptr<Schedule> parse_schedule(const std::string& text, const std::string& warmup = "none");

}  // namespace frugal

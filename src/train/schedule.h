// Schedules: by which factor the learning rate is multiplied, as a pure function of the progress through the
// run and of the epoch. What PyTorch chains (rate *= gamma) is repeated here from the start, so a resumed run
// needs no state.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace frugal {

/// Where a run is: `progress` in [0, 1] of what it may use (steps, or time), `epoch` from 0.
struct Moment {
  double progress = 0;
  int64_t epoch = 0;
};

class Schedule {
 public:
  virtual ~Schedule() = default;
  virtual double factor(const Moment& now) const = 0;
};

/// - "constant"
/// - "step:size=5,gamma=0.2": torch.optim.lr_scheduler.StepLR; times gamma after every 5 epochs (gamma 0.1 if
/// unsaid)
/// - "multistep:at=30|60,gamma=0.1": MultiStepLR; times gamma from each of these epochs on
/// - "exponential:gamma=0.9": ExponentialLR; times gamma after every epoch
/// - "onecycle:warmup=0.3,div=25,final=10000": OneCycleLR over progress (Smith and Topin,
/// "Super-Convergence", 2018): along cosines from 1 / div to 1, and from `warmup` of the run on to 1 / (div *
/// final). Momentum stays. Unknown names and values out of range are usage errors.
std::unique_ptr<Schedule> parse_schedule(const std::string& text);

}  // namespace frugal

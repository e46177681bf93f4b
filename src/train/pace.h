// What drives a run: at which progress each step is taken, when training ends, which weights are validated. A
// number of epochs, a clock, or what a clock-driven run has written down.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "train/progress_file.h"

namespace frugal {

/// The most that automatic validation takes of a run's work.
inline constexpr double validation_share = 0.03;

/// Evaluations at a run's end, which a limit of time may cut short.
enum class FinalPass { validation, average, test };

class Pace {
 public:
  virtual ~Pace() = default;
  /// Progress in [0, 1] at which a step is to be taken after `steps` steps; nothing where training is over,
  /// which it then stays.
  virtual std::optional<double> next_step(int64_t steps) = 0;
  /// At the end of a complete epoch: whether training goes on, unless it turns out after the validation that
  /// there is no time for another step.
  virtual bool another_epoch(int64_t steps) { return next_step(steps).has_value(); }
  /// Whether weights are validated at the end of complete epoch number `epoch` (from 1), after `steps` steps.
  /// Those at the end of training always are.
  virtual bool validate(int64_t epoch, int64_t steps) = 0;
  /// How many of `wanted` further images a final evaluation may take, `done` of them having been evaluated; 0
  /// ends it.
  virtual int64_t grant(FinalPass pass, int64_t done, int64_t wanted) = 0;
  /// Whether anything that it decides depends on more than counts, and must be written down to be repeated.
  virtual bool decides_by_clock() const { return false; }
  /// Until the run's end, where that is known.
  virtual std::optional<double> seconds_left() const { return {}; }

  /// What was measured, in seconds, for those who plan by it: a step, an evaluation of so many images (within
  /// training, or of a few images before it), a checkpoint, the report of an epoch.
  virtual void took_step(double /*seconds*/) {}
  /// Evaluations say nothing of what a step takes: most of its work has been done.
  virtual void steps_are_cheap() {}
  virtual bool wants_probe() { return false; }  // an evaluation of a few images, now
  virtual void took_validation(int64_t /*images*/, double /*seconds*/) {}
  virtual void took_evaluation(int64_t /*images*/, double /*seconds*/) {}
  virtual void took_save(double /*seconds*/) {}
  virtual void took_report(double /*seconds*/) {}
};

/// What a pace must know of a run.
struct PaceSizes {
  int64_t epochs = 0;  // 0: without end
  int64_t steps_per_epoch = 1;
  int64_t train_images = 0, val_images = 0, test_images = 0;
  int64_t validate_every = 0;  // epochs; 0: as seldom as keeps validation below 3 % of the work
  int evaluations = 1;         // of each image in a validation: 2 with an average of weights beside them
};

/// Every how many epochs validation costs at most its share of what training does, a forward pass being a
/// third of a training step: from counts alone, so that a run repeats. At least 1.
int64_t validation_interval(const PaceSizes& sizes);

/// A number of epochs.
std::unique_ptr<Pace> make_epoch_pace(const PaceSizes& sizes);

/// Repeats what a clock-driven run has recorded.
std::unique_ptr<Pace> make_replay_pace(ProgressLog log);

}  // namespace frugal

// A run driven by the clock: progress is the part of the training time that has passed, and training ends
// when what must follow (validation, the last checkpoint, the test, writing) just fits before the deadline.
// What that takes is measured while the run goes.
#pragma once

#include <functional>
#include <memory>

#include "train/pace.h"

namespace frugal {

/// What is kept for the end of a run of which nothing is known but what its last evaluations take and how
/// long it has from its first step on, in seconds.
double reserve_seconds(double evaluation, double left);

struct ClockLimits {
  double limit = 0;              // seconds that the run may use, from its process's start to its end
  double first_step = -1;        // seconds that had been used when the first step began; -1: not yet
  std::function<double()> used;  // seconds used so far
};

/// How long something takes: at its fastest, and lately. A stranger who loads the machine comes and goes.
class Cost {
 public:
  /// `seconds` for `amount` of it; `weight` in (0, 1]: how much this measurement moves what "lately" is.
  void add(double amount, double seconds, double weight);
  bool known() const { return fastest_ > 0; }
  double fastest() const { return fastest_; }  // seconds for one
  double lately() const { return lately_; }

 private:
  double fastest_ = 0, lately_ = 0;
};

class ClockPace : public Pace {
 public:
  ClockPace(const ClockLimits& limits, const PaceSizes& sizes);

  std::optional<double> next_step(int64_t steps) override;
  bool validate(int64_t epoch, int64_t steps) override;
  int64_t grant(FinalPass pass, int64_t done, int64_t wanted) override;
  bool decides_by_clock() const override { return true; }
  std::optional<double> seconds_left() const override { return limits_.limit - limits_.used(); }

  bool wants_probe() override;
  void took_step(double seconds) override;
  void steps_are_cheap() override { cheap_steps_ = true; }
  void took_validation(int64_t images, double seconds) override;
  void took_evaluation(int64_t images, double seconds) override;
  void took_save(double seconds) override;
  void took_report(double seconds) override;

  /// Seconds that are kept for what follows training.
  double reserve() const;

 private:
  double next_step_seconds() const;
  double final_seconds(double evaluation) const;
  double closing_seconds(double save) const;
  double evaluation_lately() const;
  double evaluation_fastest() const;
  double load() const;

  ClockLimits limits_;
  PaceSizes sizes_;
  double begun_;  // seconds used when this process came to it
  Cost step_, evaluation_, save_, report_;
  double probed_at_ = -1, last_step_ = 0;
  int64_t measured_steps_ = 0;
  double load_at_end_ = 1;
  double granted_at_ = 0;  // when the last images of a final evaluation were granted, and how many
  int64_t granted_ = 0;
  double evaluation_in_steps_ = 0;  // what evaluating an image takes, in steps; 0: not known yet
  double validating_ = 0;           // seconds spent on validations that are over
  double progress_ = 0;
  bool over_ = false, cheap_steps_ = false;
};

}  // namespace frugal

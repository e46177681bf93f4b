#include "train/clock_pace.h"

#include <algorithm>

namespace frugal {
namespace {

// What is measured varies by some percent from one time to the next even on a quiet machine.
constexpr double margin = 1.15, disk_margin = 1.5;
// From result.json to the process's end: the plot, the last lines, giving back memory.
constexpr double exit_seconds = 0.07, most_load = 3;
// What happens between the parts that are measured.
constexpr double slack = 0.03;
// A machine that is busy now may be idle when the test runs. Then the run ends early by what was kept too
// much, which must stay a small part of it; where the machine stays busy the test is cut short instead.
constexpr double most_spare = 0.02;
// Validation and test can be cut short, steps that were not taken cannot be made up for: so much of the time
// from the first step on at most is kept for the former.
constexpr double most_evaluating = 0.5;

}  // namespace

void Cost::add(double amount, double seconds, double weight) {
  const double one = seconds / amount;
  fastest_ = known() ? std::min(fastest_, one) : one;
  lately_ = lately_ > 0 ? lately_ + weight * (one - lately_) : one;
}

double reserve_seconds(double evaluation, double left) {
  return std::min(margin * evaluation, most_evaluating * left) + exit_seconds + slack;
}

ClockPace::ClockPace(const ClockLimits& limits, const PaceSizes& sizes)
    : limits_(limits), sizes_(sizes), begun_(limits.used()) {}

std::optional<double> ClockPace::next_step(int64_t steps) {
  if (over_) return {};
  load_at_end_ = load();
  const double now = limits_.used(), end = limits_.limit - reserve();
  if (limits_.first_step < 0) limits_.first_step = now;
  const double begin = limits_.first_step;
  // A step that would not fit is not taken.
  over_ = now + next_step_seconds() >= end;
  double part = end > begin ? (now - begin) / (end - begin) : 1;
  if (sizes_.epochs > 0) {
    const int64_t all = sizes_.epochs * sizes_.steps_per_epoch;
    over_ = over_ || steps >= all;
    part = std::max(part, static_cast<double>(steps) / static_cast<double>(all));
  }
  if (over_) return {};
  progress_ = std::clamp(part, progress_, 1.0);  // it never goes back, although the reserve moves
  return progress_;
}

bool ClockPace::validate(int64_t epoch, int64_t /*steps*/) {
  if (sizes_.val_images == 0) return false;
  const double next = static_cast<double>(sizes_.val_images * sizes_.evaluations) * evaluation_lately();
  if (limits_.used() + next + closing_seconds(save_.lately()) >= limits_.limit) return false;
  if (sizes_.validate_every > 0) return epoch % sizes_.validate_every == 0;
  // What a process before this one has spent on validations is not known, so its time does not count either.
  const double since = std::max(limits_.first_step, begun_);
  return validating_ + next <= validation_share * (limits_.used() - since);
}

int64_t ClockPace::grant(FinalPass pass, int64_t done, int64_t wanted) {
  // A validation leaves room for the checkpoint after it, the test for what is written in the end.
  const double after = closing_seconds(pass == FinalPass::test ? 0 : save_.lately());
  const double now = limits_.used();
  // A validation that is cut short decides nothing: then the test gets its time.
  if (pass != FinalPass::test && done == 0 &&
      now + static_cast<double>(sizes_.val_images) * evaluation_lately() + after >= limits_.limit) {
    return 0;
  }
  // No step tells of the machine any more, but the images before these do.
  const double before = done > 0 ? (now - granted_at_) / static_cast<double>(granted_) : 0;
  const double next = static_cast<double>(wanted) * std::max(before, evaluation_lately());
  granted_at_ = now, granted_ = wanted;
  return now + next + after < limits_.limit ? wanted : 0;
}

bool ClockPace::wants_probe() {
  // The first step makes what is made once.
  const double now = limits_.used();
  if (measured_steps_ < 3 ||
      (probed_at_ >= 0 && now - probed_at_ < std::clamp(0.02 * limits_.limit, 0.5, 5.0))) {
    return false;
  }
  probed_at_ = now;
  return true;
}

void ClockPace::took_step(double seconds) {
  // "Lately" is the last ten steps or half a second, whichever is longer.
  step_.add(1, seconds, std::clamp(seconds / 0.5, 0.01, 0.1));
  last_step_ = seconds;
  ++measured_steps_;
}

void ClockPace::took_evaluation(int64_t images, double seconds) {
  evaluation_.add(static_cast<double>(images), seconds, 0.5);
  if (measured_steps_ < 3) return;
  const double in_steps = seconds / static_cast<double>(images) / last_step_;
  evaluation_in_steps_ += (evaluation_in_steps_ > 0 ? 0.3 : 1) * (in_steps - evaluation_in_steps_);
}

void ClockPace::took_validation(int64_t images, double seconds) {
  took_evaluation(images, seconds);
  validating_ += seconds;
}

void ClockPace::took_save(double seconds) { save_.add(1, seconds, 0.5); }
void ClockPace::took_report(double seconds) { report_.add(1, seconds, 0.5); }

/// Before the first one: a backward pass takes two forward ones.
double ClockPace::next_step_seconds() const {
  if (step_.known() || cheap_steps_) return step_.lately();
  const double images =
      static_cast<double>(sizes_.train_images) / static_cast<double>(sizes_.steps_per_epoch);
  return 3 * images * evaluation_lately();
}

/// Steps are measured all the time, evaluations now and then: a machine that is slower than at its best in
/// the one is so in the other.
double ClockPace::evaluation_lately() const {
  return std::max(evaluation_.lately(), evaluation_fastest() * load());
}

double ClockPace::evaluation_fastest() const {
  const double alone = evaluation_.fastest();
  return evaluation_in_steps_ > 0 ? std::min(alone, evaluation_in_steps_ * step_.fastest()) : alone;
}

/// How many times slower than at its best the machine is.
double ClockPace::load() const {
  if (over_) return load_at_end_;  // what was kept for the end was kept by that
  return step_.known() ? std::clamp(step_.lately() / step_.fastest(), 1.0, most_load) : 1;
}

double ClockPace::closing_seconds(double save) const {
  return disk_margin * (save + report_.lately()) + exit_seconds * load();
}

double ClockPace::final_seconds(double evaluation) const {
  const auto images = static_cast<double>(sizes_.val_images * sizes_.evaluations + sizes_.test_images);
  const double begin = limits_.first_step >= 0 ? limits_.first_step : limits_.used();
  return std::min(margin * images * evaluation, most_evaluating * (limits_.limit - begin)) +
         closing_seconds(save_.lately()) + slack;
}

double ClockPace::reserve() const {
  return std::min(final_seconds(evaluation_lately()),
                  final_seconds(evaluation_fastest()) + most_spare * limits_.limit);
}

}  // namespace frugal

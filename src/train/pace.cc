#include "train/pace.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace frugal {
namespace {

class EpochPace : public Pace {
 public:
  explicit EpochPace(const PaceSizes& sizes)
      : steps_(sizes.epochs * sizes.steps_per_epoch),
        interval_(sizes.validate_every > 0 ? sizes.validate_every : validation_interval(sizes)) {}

  std::optional<double> next_step(int64_t steps) override {
    if (steps >= steps_) return {};
    return static_cast<double>(steps) / static_cast<double>(steps_);
  }
  bool validate(int64_t epoch, int64_t /*steps*/) override { return epoch % interval_ == 0; }
  int64_t grant(FinalPass, int64_t /*done*/, int64_t wanted) override { return wanted; }

 private:
  int64_t steps_, interval_;
};

class ReplayPace : public Pace {
 public:
  explicit ReplayPace(ProgressLog log) : log_(std::move(log)) {}
  bool decides_by_clock() const override { return true; }

  std::optional<double> next_step(int64_t steps) override {
    if (steps < std::ssize(log_.steps)) return log_.steps[static_cast<size_t>(steps)];
    return {};
  }
  bool another_epoch(int64_t steps) override {
    // At the last epoch's end there may have been time for another step, and after its validation none.
    return steps < std::ssize(log_.steps) || log_.trained_late;
  }
  bool validate(int64_t /*epoch*/, int64_t steps) override {
    const auto decision = log_.validate.find(steps);
    return decision != log_.validate.end() && decision->second;
  }
  int64_t grant(FinalPass pass, int64_t done, int64_t wanted) override {
    const int64_t all = pass == FinalPass::validation ? log_.validated
                        : pass == FinalPass::average  ? log_.averaged
                                                      : log_.tested;
    return std::clamp<int64_t>(all - done, 0, wanted);
  }

 private:
  ProgressLog log_;
};

}  // namespace

int64_t validation_interval(const PaceSizes& sizes) {
  constexpr double share = validation_share, step_passes = 3;
  const double cost = static_cast<double>(sizes.val_images * sizes.evaluations) /
                      (step_passes * static_cast<double>(std::max<int64_t>(sizes.train_images, 1)));
  return std::max<int64_t>(1, std::llround(std::ceil(cost / share)));
}

std::unique_ptr<Pace> make_epoch_pace(const PaceSizes& sizes) { return std::make_unique<EpochPace>(sizes); }

std::unique_ptr<Pace> make_replay_pace(ProgressLog log) {
  return std::make_unique<ReplayPace>(std::move(log));
}

}  // namespace frugal

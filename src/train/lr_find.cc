#include "train/lr_find.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "train/free_training.h"
#include "train/size_schedule.h"
#include "train/trainer.h"

namespace frugal {
namespace {

/// The running mean of the losses, and whether there is any point in going on.
class LossWatch {
 public:
  /// False when the sweep is over; `smoothed` is the mean including `loss`.
  bool add(double loss) {
    constexpr double kept = 0.98, too_far = 4;
    if (!std::isfinite(loss)) return false;
    sum_ = kept * sum_ + (1 - kept) * loss;
    weight_ = kept * weight_ + (1 - kept);
    smoothed = sum_ / weight_;
    const bool diverged = count_ > 0 && smoothed > too_far * least_;
    least_ = count_ == 0 ? smoothed : std::min(least_, smoothed);
    ++count_;
    return !diverged;
  }
  double smoothed = 0;

 private:
  double sum_ = 0, weight_ = 0, least_ = 0;
  int64_t count_ = 0;
};

}  // namespace

double sweep_rate(const LrSweep& sweep, int64_t step) {
  if (step + 1 >= sweep.steps) return sweep.to;
  // It reaches weights, so not by libm.
  const double part = static_cast<double>(step) / static_cast<double>(sweep.steps - 1);
  return sweep.from * exp_double(part * log_double(sweep.to / sweep.from));
}

LrCurve sweep_lr(Engine& engine, const Graph& graph, const TrainConfig& config, const Dataset& data,
                 const LrSweep& sweep) {
  FreeTraining training(engine, graph, config, data);
  const std::vector<SizeStep> sizes = parse_resize(config.resize);
  if (!sizes.empty()) engine.train_at(graph_at(config, graph, sizes.front().size));

  LrCurve curve;
  LossWatch watch;
  for (int64_t step = 0; step < sweep.steps && !curve.diverged; ++step) {
    const double lr = sweep_rate(sweep, step);
    const double mean = training.step(lr);
    curve.diverged = !watch.add(mean);
    if (std::isfinite(mean)) curve.points.push_back({lr, mean, watch.smoothed});
  }
  return curve;
}

std::optional<size_t> steepest_fall(std::span<const LrPoint> points) {
  constexpr size_t skipped_first = 10, skipped_last = 1;
  if (points.size() < skipped_first + skipped_last + 2) return std::nullopt;
  const size_t end = points.size() - skipped_last;
  std::optional<size_t> best;
  double least = 0;
  for (size_t i = skipped_first; i < end; ++i) {
    // Rates are evenly spaced by their logarithms: differences will do. One-sided at both ends.
    const size_t before = std::max(i, skipped_first + 1) - 1, after = std::min(i + 1, end - 1);
    const double slope =
        (points[after].smoothed - points[before].smoothed) / static_cast<double>(after - before);
    if (slope < least) least = slope, best = i;
  }
  return best;
}

}  // namespace frugal

#include "train/lr_find.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "train/free_training.h"

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
                 const LrSweep& sweep, const OutsideInputs& outside) {
  FreeTraining training(engine, graph, config, data, outside);
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

std::optional<size_t> valley(std::span<const LrPoint> points, int64_t steps) {
  constexpr size_t skipped_last = 5;
  const auto skipped_first = static_cast<size_t>(steps / 10);
  if (points.size() < skipped_first + skipped_last + 2) return std::nullopt;
  points = points.subspan(skipped_first, points.size() - skipped_first - skipped_last);
  // ends[k] is the highest loss that k + 1 falling ones can end with; they fall with k, so that the length of
  // the longest that ends with a loss is a binary search away.
  std::vector<double> ends;
  int64_t last = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    const double loss = points[i].smoothed;
    const auto place = std::ranges::lower_bound(ends, loss, std::ranges::greater{});
    if (place != ends.end()) {
      *place = loss;
      continue;
    }
    ends.push_back(loss);
    last = static_cast<int64_t>(i);
  }
  const auto length = static_cast<int64_t>(ends.size());
  if (length < 2) return std::nullopt;
  const int64_t first = last - length;  // one before the first where all fall
  const int64_t suggested = first + (last - first) / 3 + (last - first) / 6;
  return skipped_first + static_cast<size_t>(std::max<int64_t>(suggested, 0));
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

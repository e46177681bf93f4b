#include "train/rate_curve.h"

#include <algorithm>

namespace frugal {

RatePoint RateCurve::at(const Schedule& schedule, int64_t step) const {
  const double progress = static_cast<double>(step) / static_cast<double>(steps());
  const RunMoment now = moment_at(progress, step, steps_per_epoch);
  return {now, lr * schedule.factor(now)};
}

std::vector<RatePoint> sample_rates(const Schedule& schedule, const RateCurve& curve) {
  constexpr int64_t most = 1000;
  const int64_t last = curve.steps() - 1, intervals = std::min(last, most);
  std::vector<int64_t> steps = {0};
  for (int64_t i = 1; i <= intervals; ++i) {
    const auto step = static_cast<int64_t>(static_cast<double>(last) * static_cast<double>(i) /
                                           static_cast<double>(intervals));
    const int64_t epoch_begin = step / curve.steps_per_epoch * curve.steps_per_epoch;
    for (const int64_t each : {epoch_begin - 1, epoch_begin, step}) {
      if (each > steps.back()) steps.push_back(each);
    }
  }
  std::vector<RatePoint> points;
  points.reserve(steps.size());
  for (const int64_t step : steps) points.push_back(curve.at(schedule, step));
  return points;
}

}  // namespace frugal

#include "train/metrics.h"

#include <limits>

namespace frugal {

Metrics to_metrics(const LossSums& sums, double loss_batch_mean) {
  const auto mean = [&](double sum) {
    return sums.samples > 0 ? sum / static_cast<double>(sums.samples)
                            : std::numeric_limits<double>::quiet_NaN();
  };
  return {.loss = sums.weight > 0 ? sums.loss / sums.weight : mean(sums.loss),
          .top1 = mean(static_cast<double>(sums.top1)),
          .top3 = mean(static_cast<double>(sums.top3)),
          .top5 = mean(static_cast<double>(sums.top5)),
          .samples = sums.samples,
          .loss_batch_mean = loss_batch_mean};
}

Metrics no_metrics() { return to_metrics({}, std::numeric_limits<double>::quiet_NaN()); }

}  // namespace frugal

#include "eval/proportion.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace frugal {

std::string percent(double share) {
  if (!std::isfinite(share)) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.2f %%", 100 * share);
  return text;
}

ShareRange wilson_interval(int64_t successes, int64_t trials) {
  if (trials <= 0) return {0, 1};
  constexpr double z = 1.959963984540054;  // the normal distribution's quantile at 0.975
  const auto n = static_cast<double>(trials);
  const double share = static_cast<double>(successes) / n, wide = 1 + z * z / n;
  const double centre = (share + z * z / (2 * n)) / wide;
  const double half = z / wide * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

double mcnemar(int64_t a, int64_t b) {
  const int64_t n = a + b, fewer = std::min(a, b);
  double tail = 0;
  for (int64_t k = 0; k <= fewer; ++k) {
    tail += std::exp(std::lgamma(static_cast<double>(n + 1)) - std::lgamma(static_cast<double>(k + 1)) -
                     std::lgamma(static_cast<double>(n - k + 1)) - static_cast<double>(n) * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}

}  // namespace frugal

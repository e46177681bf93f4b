#include "interop/tensor_numbers.h"

#include <cmath>
#include <vector>

#include "base/tensor_file.h"

namespace frugal {
namespace {

bool readable(const TensorRecord& tensor) { return !tensor.dtype.starts_with("F8"); }

/// The larger one, or NaN: std::max would lose it.
double larger(double a, double b) { return std::isnan(a) || a > b ? a : b; }

}  // namespace

std::optional<TensorSummary> summarize(const TensorRecord& tensor) {
  if (!readable(tensor)) return std::nullopt;
  const std::vector<float> values = to_floats(tensor);
  if (values.empty()) return TensorSummary{};
  TensorSummary summary{.min = -static_cast<double>(values[0]), .max = static_cast<double>(values[0])};
  double squares = 0;
  for (const float each : values) {
    const double value = each;
    squares += value * value;
    summary.min = larger(summary.min, -value);
    summary.max = larger(summary.max, value);
  }
  summary.min = -summary.min;
  summary.norm = std::sqrt(squares);
  return summary;
}

std::optional<TensorDifference> difference(const TensorRecord& a, const TensorRecord& b) {
  if (!readable(a) || !readable(b)) return std::nullopt;
  const std::vector<float> left = to_floats(a), right = to_floats(b);
  TensorDifference result;
  double squares = 0, of_left = 0;
  for (size_t i = 0; i < left.size(); ++i) {
    const double value = left[i], apart = std::fabs(value - static_cast<double>(right[i]));
    result.max_abs = larger(result.max_abs, apart);
    squares += apart * apart;
    of_left += value * value;
  }
  if (squares != 0) result.relative_l2 = std::sqrt(squares / of_left);
  return result;
}

}  // namespace frugal

// What a tensor's numbers say at a glance, and how far two tensors of one shape are apart.
#pragma once

#include <optional>

#include "base/safetensors.h"

namespace frugal {

struct TensorSummary {
  double norm = 0;          // L2
  double min = 0, max = 0;  // 0 of an empty tensor; NaN where a number is
};

/// Empty for types whose numbers cannot be read (F8_E4M3, F8_E5M2).
std::optional<TensorSummary> summarize(const TensorRecord& tensor);

struct TensorDifference {
  double max_abs = 0;      // NaN where a number is
  double relative_l2 = 0;  // ‖a − b‖ / ‖a‖; infinite where only `a` is zero
};

/// Of two tensors of the same shape, of whatever types; empty as above.
std::optional<TensorDifference> difference(const TensorRecord& a, const TensorRecord& b);

}  // namespace frugal

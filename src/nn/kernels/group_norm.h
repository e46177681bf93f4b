// Group norm (Wu & He 2018) of one sample; a group a channel is instance norm. Statistics are two-pass within
// tiles, combined by Chan's formula.
#pragma once

#include <cstdint>

namespace frugal {

struct GroupNormShape {
  int64_t pixels = 1, c = 1, groups = 1;  // groups divide c
  float eps = 1e-5f;
  int64_t statistics() const { return 2 * groups; }
  int64_t scratch_floats() const { return 4 * c; }
};

/// y = (x - mean) / sqrt(variance + eps) * weight + bias; x and y [pixels, c], weight and bias [c] or null. T
/// is float or uint16_t (bf16). statistics: each group's mean, then each group's 1 / sqrt(variance + eps).
template <class T>
void group_norm_forward(const GroupNormShape& shape, const T* x, const float* weight, const float* bias, T* y,
                        float* statistics, float* scratch);

/// Adds the sample's parts to weight_gradient and bias_gradient, [c] or null. dx, if not null, is overwritten
/// or added to; it may be the memory of x or of dy.
template <class T>
void group_norm_backward(const GroupNormShape& shape, const T* x, const T* dy, const float* weight,
                         const float* statistics, float* weight_gradient, float* bias_gradient, T* dx,
                         bool accumulate, float* scratch);

}  // namespace frugal

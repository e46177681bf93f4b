// Layer norm (Ba, Kiros & Hinton 2016) over the channels of each position, as ConvNeXt has it. Statistics are
// two-pass.
#pragma once

#include <cstdint>

namespace frugal {

/// y = (x - mean) / sqrt(variance + eps) * weight + bias of each row; x and y [rows, c], weight and bias [c]
/// or null. T is float or uint16_t (bf16). statistics: mean and 1 / sqrt(variance + eps), [rows, 2], or null.
template <class T>
void layer_norm_forward(int64_t rows, int64_t c, float eps, const T* x, const float* weight,
                        const float* bias, T* y, float* statistics);

/// Adds to weight_gradient and bias_gradient, [c] or null. dx, if not null, is overwritten or added to; it
/// may be the memory of x or of dy.
template <class T>
void layer_norm_backward(int64_t rows, int64_t c, const T* x, const T* dy, const float* weight,
                         const float* statistics, float* weight_gradient, float* bias_gradient, T* dx,
                         bool accumulate);

}  // namespace frugal

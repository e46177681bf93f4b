// Depthwise convolutions (a filter a channel), which libraries leave to slow paths for windows other than
// 3x3: fp32 sums of fp32 products, whatever the tensors are stored as. A vector of channels of one sample is
// widened into L1, with its padding, and convolved there.
#pragma once

#include <cstdint>

namespace frugal {

/// A filter of kernel_h x kernel_w for each of `c` channels, no dilation; stride_w is 1 or 2, padding less
/// than the kernel.
struct DepthwiseShape {
  int64_t h = 1, w = 1, c = 1;  // of the input
  int64_t out_h = 1, out_w = 1;
  int kernel_h = 3, kernel_w = 3, stride_h = 1, stride_w = 1, padding_h = 0, padding_w = 0;
  int spread_h = 1, spread_w = 1;  // pixels of the input lie so far apart, zeros between them

  int64_t padded_h() const { return (out_h - 1) * stride_h + kernel_h; }
  int64_t padded_w() const { return (out_w - 1) * stride_w + kernel_w; }
  /// Floats that one vector of channels of a sample and of its gradient take, widened and padded.
  int64_t sample_floats() const { return (padded_h() * padded_w() + out_h * out_w) * 16; }
  /// Floats of scratch memory: that, and one for each weight.
  int64_t scratch_floats() const { return sample_floats() + c * kernel_h * kernel_w; }

  /// The convolution of the output's gradient, by the rotated filter, that is the gradient of the input.
  DepthwiseShape turned() const {
    return {.h = out_h,
            .w = out_w,
            .c = c,
            .out_h = h,
            .out_w = w,
            .kernel_h = kernel_h,
            .kernel_w = kernel_w,
            .padding_h = kernel_h - 1 - padding_h,
            .padding_w = kernel_w - 1 - padding_w,
            .spread_h = stride_h,
            .spread_w = stride_w};
  }
};

// In all of them x is [samples, h, w, c], y and dy [samples, out_h, out_w, c], in fp32 or bf16 (`T` is float
// or uint16_t); weights are [c, kernel_h, kernel_w], `scratch` is scratch_floats() long.

/// `bias`, [c], may be null.
template <class T>
void depthwise_forward(const DepthwiseShape& shape, const T* x, const float* weights, const float* bias,
                       int64_t samples, float* scratch, T* y);

/// With scratch for shape.turned(). `add`: to what dx holds, rather than over it.
template <class T>
void depthwise_input_gradient(const DepthwiseShape& shape, const T* dy, const float* weights, int64_t samples,
                              float* scratch, T* dx, bool add);

/// Writes gradient, as weights: sums over samples of fp32 sums over positions.
template <class T>
void depthwise_weight_gradient(const DepthwiseShape& shape, const T* x, const T* dy, int64_t samples,
                               float* scratch, float* gradient);

}  // namespace frugal

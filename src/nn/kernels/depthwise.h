// The weight gradient of a depthwise convolution (a filter a channel), which libraries leave to slow paths
// for windows other than 3x3.
#pragma once

#include <cstdint>

namespace frugal {

/// A filter of kernel_h x kernel_w for each of `c` channels, no dilation.
struct DepthwiseShape {
  int64_t h = 1, w = 1, c = 1;  // of the input
  int64_t out_h = 1, out_w = 1;
  int kernel_h = 3, kernel_w = 3, stride_h = 1, stride_w = 1, padding_h = 0, padding_w = 0;

  int64_t padded_h() const { return (out_h - 1) * stride_h + kernel_h; }
  int64_t padded_w() const { return (out_w - 1) * stride_w + kernel_w; }
  /// Floats that one vector of channels of a sample and of its gradient take, widened and padded.
  int64_t sample_floats() const { return (padded_h() * padded_w() + out_h * out_w) * 16; }
  /// Floats of scratch memory: that, and the sums.
  int64_t scratch_floats() const { return sample_floats() + c * kernel_h * kernel_w; }
};

/// x: [samples, h, w, c], dy: [samples, out_h, out_w, c], in fp32 or bf16 (`T` is float or uint16_t). Writes
/// gradient, [c, kernel_h, kernel_w]: sums over samples of fp32 sums over positions.
template <class T>
void depthwise_weight_gradient(const DepthwiseShape& shape, const T* x, const T* dy, int64_t samples,
                               float* scratch, float* gradient);

}  // namespace frugal

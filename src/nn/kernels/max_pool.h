// Max-pooling with any window, stride and padding, for what the fused chain does not cover: windows that
// overlap.
#pragma once

#include <cstdint>

namespace frugal {

struct PoolShape {
  int64_t h = 1, w = 1, c = 1;  // of the input
  int kernel = 2, stride = 2, padding = 0;
  int64_t out_h() const { return (h + 2 * padding - kernel) / stride + 1; }
  int64_t out_w() const { return (w + 2 * padding - kernel) / stride + 1; }
};

/// One sample, [h, w, c] to [out_h, out_w, c]; winner: the window position of the (first) largest element, or
/// null. T is float or uint16_t (bf16). The kernel is at most 15 wide, so that positions fit into a byte.
template <class T>
void max_pool_forward(const PoolShape& shape, const T* x, T* y, uint8_t* winner);

/// dx is overwritten; where windows overlap, gradients are added in fp32.
template <class T>
void max_pool_backward(const PoolShape& shape, const T* dy, const uint8_t* winner, T* dx);

}  // namespace frugal

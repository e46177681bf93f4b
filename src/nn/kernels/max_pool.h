// Max-pooling with any windows, for what the fused chain does not cover: overlapping, padded, cut off or
// adaptive ones.
#pragma once

#include <cstdint>

#include "nn/kernels/pool_axis.h"

namespace frugal {

struct MaxPoolShape {
  PoolAxis h, w;
  int64_t c = 1;
  int64_t outputs() const { return h.out * w.out * c; }
  /// Bytes in which an output's winner is kept: 1 while positions of a window fit into it, else 4 (int32_t).
  int64_t winner_bytes() const { return h.widest * w.widest <= 256 ? 1 : 4; }
};

/// One sample, [h.in, w.in, c] to [h.out, w.out, c]; winner: the position in its window, row by row, of the
/// (first) largest element, outputs() * winner_bytes() bytes, or null. NaN counts as largest. T is float or
/// uint16_t (bf16).
template <class T>
void max_pool_forward(const MaxPoolShape& shape, const T* x, T* y, void* winner);

/// dx is overwritten, or added to; where windows overlap, gradients are added in fp32.
template <class T>
void max_pool_backward(const MaxPoolShape& shape, const T* dy, const void* winner, T* dx, bool accumulate);

}  // namespace frugal

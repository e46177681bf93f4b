// The pointwise chain that ends in a pool, in one pass over memory each way:
// affine (batch-norm) -> ReLU -> dropout -> non-overlapping max-pool, all but the pool optional.
// Tensors are [h, w, c] in fp32 or bf16 (`T` is float or uint16_t); channel vectors are fp32.
#pragma once

#include <cstdint>

namespace frugal {

/// What the chain does, the same for every sample.
struct ChainShape {
  int64_t h = 1, w = 1, c = 1;  // of the input
  int pool = 1;                 // window and stride. Rows and columns that fill no window are left out
  bool relu = false;
  float keep_scale = 1;  // 1 / (1 - dropout rate)
  int64_t out_h() const { return h / pool; }
  int64_t out_w() const { return w / pool; }
};

/// What `winner` holds for an output through which no gradient flows: ReLU or dropout has zeroed the whole
/// window.
inline constexpr uint8_t no_winner = 255;

/// One sample. scale, shift: [c], or null for the identity. keep: bits of kept elements, in the sample's
/// order, or null. winner: which window position (row * pool + column) gave the output, [out_h, out_w, c], or
/// null. NaN comes out as NaN.
template <class T>
void chain_forward(const ChainShape& shape, const T* x, const float* scale, const float* shift,
                   const uint8_t* keep, T* y, uint8_t* winner);

/// The gradient that reaches the affine step, of one sample, is g = dy * keep_scale where the element won,
/// else 0. Adds sum of g and sum of g * (x - mean) over one sample to sum_g and sum_gx, [c].
template <class T>
void chain_backward_sums(const ChainShape& shape, const T* x, const T* dy, const uint8_t* winner,
                         const float* mean, float* sum_g, float* sum_gx);

/// dx = a * g + b * (x - mean) + offset for one sample; with a null, dx = g and x is not read. dx may be x.
/// `add`: to what dx holds.
template <class T>
void chain_backward_input(const ChainShape& shape, const T* x, const T* dy, const uint8_t* winner,
                          const float* a, const float* b, const float* mean, const float* offset, bool add,
                          T* dx);

}  // namespace frugal

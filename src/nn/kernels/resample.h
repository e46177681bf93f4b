// Average pooling and blurring: every output position is a weighted sum of input positions, rows and columns
// apart. The gradient is a sum of the same kind with the weights transposed, so one kernel does both
// directions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace frugal {

/// The weights along one axis.
struct Taps {
  struct Tap {
    int32_t from;
    float weight;
  };
  int64_t in = 0, out = 0;
  std::vector<int64_t> first = {};  // by output position: its first tap; behind them the number of taps
  std::vector<Tap> taps = {};
  std::span<const Tap> of(int64_t o) const {
    const auto at = static_cast<size_t>(o);
    return {taps.data() + first[at], taps.data() + first[at + 1]};
  }
};
Taps transposed(const Taps& taps);

/// Windows of `kernel` positions every `stride`, the first `padding` before the image. What a sum is divided
/// by is PyTorch's: the positions of the window that are in the image or, if `count_padding`, at most
/// `padding` behind it.
Taps average_taps(int64_t in, int64_t out, int kernel, int stride, int padding, bool count_padding);

/// PyTorch's adaptive pooling.
Taps adaptive_average_taps(int64_t in, int64_t out);

/// Binomial weights of `size` positions that sum to one, every `stride`, the image mirrored without its edge.
/// An even filter reaches one further behind than before: Zhang, "Making Convolutional Networks
/// Shift-Invariant Again", 2019, and its antialiased-cnns.
Taps blur_taps(int64_t in, int64_t out, int size, int stride);

struct ResampleShape {
  Taps h, w;
  int64_t c = 1;
  int64_t scratch_floats() const { return w.in * c; }
};
ResampleShape transposed(const ResampleShape& shape);

/// One sample, [h.in, w.in, c] to [h.out, w.out, c], which is overwritten or added to. Sums are fp32, rounded
/// once. T is float or uint16_t (bf16). scratch: shape.scratch_floats().
template <class T>
void resample(const ResampleShape& shape, const T* x, T* y, bool accumulate, float* scratch);

}  // namespace frugal

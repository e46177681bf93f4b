// The windows of pools as ONNX can say them: shared by the export, which writes them, and the import, which
// knows them again.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"
#include "nn/kernels/resample.h"

namespace frugal {

struct PoolWindows {
  std::vector<int64_t> pads;  // rows above, columns left, rows below, columns right
  bool ceil_mode = false;
};

/// Of a max_pool or avg_pool node. Rounding up is left to ONNX's ceil_mode where that counts windows as
/// PyTorch does, and is padding behind the image where it does not.
PoolWindows onnx_windows(const Node& node);

/// A pool's weights along one axis, [out, in], or [in, out] when transposed.
std::vector<float> matrix_of(const Taps& taps, bool transposed);

/// Adaptive windows along one axis made equally long: shorter ones name their last position again.
struct EvenWindows {
  int64_t size = 0;
  std::vector<int64_t> positions;  // window by window
};
EvenWindows even_windows(int64_t in, int64_t windows);

/// The binomial filter of `size` x `size` taps for each of `channels`, [channels, 1, size, size].
std::vector<float> blur_filter(int64_t size, int64_t channels);

}  // namespace frugal

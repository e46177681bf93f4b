#include "interop/onnx_windows.h"

#include <algorithm>

#include "nn/kernels/pool_axis.h"

namespace frugal {
namespace {

/// One axis of a pool: what is needed behind the image besides `padding` for the last of `out` windows, and
/// whether ONNX's ceil_mode comes to that.
struct Axis {
  int64_t beyond;
  bool rounded;  // up
  bool ceil_agrees;
};

Axis axis_of(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding) {
  const int64_t room = in + 2 * padding - kernel;
  const int64_t floor = room < 0 ? 0 : room / stride + 1, ceil = (room + stride - 1) / stride + 1;
  return {std::max<int64_t>(0, (out - 1) * stride - room), out > floor, out == ceil};
}

}  // namespace

PoolWindows onnx_windows(const Node& node) {
  const Axis h = axis_of(node.in.h, node.out.h, node.kernel.h, node.stride.h, node.padding.h);
  const Axis w = axis_of(node.in.w, node.out.w, node.kernel.w, node.stride.w, node.padding.w);
  PoolWindows windows{{node.padding.h, node.padding.w, node.padding.h, node.padding.w}, false};
  if (!h.rounded && !w.rounded) return windows;
  windows.ceil_mode = h.ceil_agrees && w.ceil_agrees;
  if (windows.ceil_mode) return windows;
  windows.pads[2] += h.beyond;
  windows.pads[3] += w.beyond;
  return windows;
}

std::vector<float> matrix_of(const Taps& taps, bool transposed) {
  std::vector<float> matrix(static_cast<size_t>(taps.in * taps.out), 0);
  for (int64_t o = 0; o < taps.out; ++o) {
    for (const Taps::Tap& tap : taps.of(o)) {
      matrix[static_cast<size_t>(transposed ? tap.from * taps.out + o : o * taps.in + tap.from)] = tap.weight;
    }
  }
  return matrix;
}

EvenWindows even_windows(int64_t in, int64_t windows) {
  EvenWindows even;
  const PoolAxis axis = adaptive_axis(in, windows);
  for (const PoolRange& range : axis.windows)
    even.size = std::max<int64_t>(even.size, range.end - range.begin);
  for (const PoolRange& range : axis.windows) {
    for (int64_t i = 0; i < even.size; ++i) {
      even.positions.push_back(std::min<int64_t>(range.begin + i, range.end - 1));
    }
  }
  return even;
}

std::vector<float> blur_filter(int64_t size, int64_t channels) {
  // Any output far from the edges has the filter's taps in order.
  const auto taps = static_cast<int>(size);
  const Taps row = blur_taps(2 * size + 1, 2 * size + 1, taps, 1);
  std::vector<float> filter;
  for (int64_t c = 0; c < channels; ++c) {
    for (const Taps::Tap& a : row.of(size)) {
      for (const Taps::Tap& b : row.of(size)) filter.push_back(a.weight * b.weight);
    }
  }
  return filter;
}

}  // namespace frugal

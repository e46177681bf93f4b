#include "nn/kernels/pool_axis.h"

#include <algorithm>

namespace frugal {
namespace {

/// Windows begin and end in order, so those that hold one position are neighbours.
void find_covering(PoolAxis& axis) {
  int32_t first = 0, last = 0;
  for (int32_t i = 0; i < axis.in; ++i) {
    while (first < axis.out && axis.windows[static_cast<size_t>(first)].end <= i) ++first;
    while (last < axis.out && axis.windows[static_cast<size_t>(last)].begin <= i) ++last;
    axis.covering.push_back({first, std::max(first, last)});
  }
}

}  // namespace

PoolAxis window_axis(int64_t in, int64_t out, int kernel, int stride, int padding) {
  // Padding further out than the image is long makes no difference, but products of its positions might
  // overflow.
  PoolAxis axis{.in = in, .out = out, .widest = std::min<int64_t>(kernel, 2 * in)};
  for (int64_t o = 0; o < out; ++o) {
    const int64_t begin = o * stride - padding, end = std::min(begin + kernel, in);
    axis.origins.push_back(static_cast<int32_t>(std::max(begin, -in)));
    axis.windows.push_back({static_cast<int32_t>(std::max<int64_t>(begin, 0)), static_cast<int32_t>(end)});
  }
  find_covering(axis);
  return axis;
}

PoolAxis adaptive_axis(int64_t in, int64_t out) {
  PoolAxis axis{.in = in, .out = out};
  for (int64_t o = 0; o < out; ++o) {
    const int64_t begin = o * in / out, end = ((o + 1) * in + out - 1) / out;
    axis.origins.push_back(static_cast<int32_t>(begin));
    axis.windows.push_back({static_cast<int32_t>(begin), static_cast<int32_t>(end)});
    axis.widest = std::max(axis.widest, end - begin);
  }
  find_covering(axis);
  return axis;
}

}  // namespace frugal

// Which positions of an image a pooling window covers, along one axis: all that differs between pools with
// stride and padding, rounded up or not, and adaptive ones.
#pragma once

#include <cstdint>
#include <vector>

namespace frugal {

struct PoolRange {
  int32_t begin = 0, end = 0;  // half open
};

struct PoolAxis {
  int64_t in = 0, out = 0;
  int64_t widest = 0;                    // positions of a window, those outside the image included
  std::vector<PoolRange> windows = {};   // by output position: positions of the image, never none
  std::vector<int32_t> origins = {};     // by output position: where the window begins, padding included
  std::vector<PoolRange> covering = {};  // by input position: the outputs whose windows hold it, perhaps none
};

/// Windows of `kernel` positions every `stride`, the first `padding` before the image; what reaches beyond
/// the image is cut off. `out` windows as counted by the graph's builder.
PoolAxis window_axis(int64_t in, int64_t out, int kernel, int stride, int padding);

/// PyTorch's adaptive pooling: window i is [floor(i in / out), ceil((i + 1) in / out)).
PoolAxis adaptive_axis(int64_t in, int64_t out);

}  // namespace frugal

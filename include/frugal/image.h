// A picture in memory: 8 bits a channel, rows from the top, dense [H, W, C].
#pragma once

#include <cstdint>
#include <vector>

namespace frugal {

struct Image {
  int64_t height = 0, width = 0, channels = 0;  // 1 grey, 3 RGB
  std::vector<uint8_t> pixels;
};

}  // namespace frugal

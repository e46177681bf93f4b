// A picture in memory: 8 bits a channel, rows from the top, dense [H, W, C].
#pragma once

#include <cstdint>
#include <vector>

namespace frugal {

struct ImageSize {
  int64_t height = 0, width = 0;
  bool operator==(const ImageSize&) const = default;
  ImageSize turned(bool swap) const { return swap ? ImageSize{width, height} : *this; }
};

struct Image {
  int64_t height = 0, width = 0, channels = 0;  // 1 grey, 3 RGB
  std::vector<uint8_t> pixels;
};

}  // namespace frugal

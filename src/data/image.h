// A picture in memory, and its size.
#pragma once

#include <cstdint>

#include "frugal/image.h"

namespace frugal {

struct ImageSize {
  int64_t height = 0, width = 0;
  bool operator==(const ImageSize&) const = default;
  ImageSize turned(bool swap) const { return swap ? ImageSize{width, height} : *this; }
};

}  // namespace frugal

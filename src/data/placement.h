// Where each pixel of an augmented image comes from. Flips and crops move pixels without mixing them, so any
// list of them comes down to one shift and perhaps one reversal an axis, and a border that stays black.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/philox.h"
#include "data/augment.h"

namespace frugal {

/// Along one axis, output x in [begin, end) shows input sign * x + offset; the rest is black.
struct AxisMap {
  int64_t size = 0;
  int64_t sign = 1, offset = 0;
  int64_t begin = 0, end = size;

  /// Maps are built from the last transformation to the first: what lies before reads from what it makes.
  void reverse() {
    sign = -sign;
    offset = size - 1 - offset;
  }
  /// Reads `by` further on; what falls outside of the image before it is black.
  void shift(int64_t by) {
    offset += by;
    begin = std::clamp(sign > 0 ? -offset : offset - size + 1, begin, end);
    end = std::clamp(sign > 0 ? size - offset : offset + 1, begin, end);
  }
  int64_t from(int64_t at) const { return sign * at + offset; }
};

struct Placement {
  AxisMap y, x;
};

/// What the list makes of an image at `draw`. Transformation i of the list draws from (seed, augment, i,
/// epoch): flip with probability 1/2, crop any of its (2 * padding + 1)^2 places alike.
Placement place(std::span<const Augment> augment, uint64_t seed, uint32_t epoch, uint32_t draw,
                int64_t height, int64_t width);

}  // namespace frugal

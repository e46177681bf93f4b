// Takes an image through its changes with as few passes over its pixels as they allow: runs of flips and
// shifts are one indexing, colours change in place, and what is left of indexing at the end is done by
// whoever writes the pixels on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/change.h"
#include "data/geometry.h"

namespace frugal {

/// Holds the images between changes: one a thread, and nothing is allocated once it has seen an image.
class Renderer {
 public:
  /// `image` is [height, width, channels], dense, and must outlive what is read from here.
  void render(const uint8_t* image, int64_t height, int64_t width, int64_t channels,
              std::span<const Change> changes);

  /// Pixel (i, j) of the result is pixels()[y()[i], x()[j]], black where an index is -1.
  const uint8_t* pixels() const { return pixels_; }
  const AxisIndex& y() const { return y_; }
  const AxisIndex& x() const { return x_; }

 private:
  uint8_t* other();
  void index();

  int64_t height_ = 0, width_ = 0, channels_ = 0;
  AxisIndex y_, x_;
  std::vector<uint8_t> room_[2];
  const uint8_t* pixels_ = nullptr;
};

}  // namespace frugal

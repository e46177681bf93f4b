// One change to one image, with its numbers: what drawing from an augmentation list comes to, and what is
// then done to the pixels.
#pragma once

#include <cstdint>
#include <vector>

#include "data/augment.h"
#include "data/geometry.h"

namespace frugal {

enum class ChangeKind : uint8_t {
  // of the axes alone
  flip,
  shift,
  // of places
  affine,
  // of colours, each as torchvision 0.14's function of that name on uint8 tensors
  brightness,
  contrast,
  saturation,
  hue,
  grey,
  sharpness,
  posterize,
  solarize,
  autocontrast,
  equalize,
};

struct Change {
  ChangeKind kind = ChangeKind::flip;
  Padding padding = Padding::zero;  // shift
  int32_t down = 0, right = 0;      // shift: output (y, x) shows input (y + down, x + right)
  double amount = 0;                // colours: factor, turn, bits or threshold
  AffineMatrix matrix{};            // affine
};

inline bool moves_axes(ChangeKind kind) { return kind <= ChangeKind::shift; }

/// Rows [top, top + height), columns [left, left + width).
struct Rectangle {
  int64_t top = 0, left = 0, height = 0, width = 0;
};

/// The changes to an image, in order, and what of it then becomes zero.
struct Changes {
  std::vector<Change> list;
  std::vector<Rectangle> erased;
  void clear() {
    list.clear();
    erased.clear();
  }
};

}  // namespace frugal

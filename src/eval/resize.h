// Brings a picture to a network's input size: the middle of the picture in the right proportions, through an
// antialiased triangle filter (Pillow's BILINEAR, torchvision's Resize with antialias), so that large
// photographs keep no aliasing for the network to stumble on.
#pragma once

#include <cstdint>

#include "eval/image.h"

namespace frugal {

/// Separable triangle filter; its support grows with the reduction, so every source pixel counts. Enlarging
/// is plain bilinear interpolation, the same size is the identity. Values are rounded to nearest once, at the
/// end.
Image resize(const Image& image, int64_t height, int64_t width);

/// The largest centred part of the picture with the proportions of height x width.
Image crop_to_proportions(const Image& image, int64_t height, int64_t width);

}  // namespace frugal

// Brings a picture to a network's input size: the middle of the picture in the right proportions, through an
// antialiased triangle filter, so that large photographs keep no aliasing for the network to stumble on.
#pragma once

#include <cstdint>

#include "data/image.h"

namespace frugal {

/// Pillow's `Image.resize((width, height), Image.BILINEAR)`, to the bit: a separable triangle filter whose
/// support grows with the reduction, in 8-bit fixed point, rows first and rounded to 8 bits in between.
/// Enlarging is plain bilinear interpolation, the same size is the identity.
Image resize(const Image& image, int64_t height, int64_t width);

/// The same of dense [height, width, channels] pixels in memory; one or three channels.
void resize_pixels(const uint8_t* in, int64_t height, int64_t width, int64_t channels, int64_t to_height,
                   int64_t to_width, uint8_t* out);

/// The largest centred part of the picture with the proportions of height x width.
Image crop_to_proportions(const Image& image, int64_t height, int64_t width);

/// What every picture goes through on its way to a network: cropped to the proportions, then resized. Writes
/// height * width * channels bytes to `out`.
void fit(const Image& image, int64_t height, int64_t width, uint8_t* out);

/// Goes up when any pixel that `fit` or a decoder yields changes, so that what was kept from before is not
/// mistaken for what would be made now.
inline constexpr int picture_version = 2;

}  // namespace frugal

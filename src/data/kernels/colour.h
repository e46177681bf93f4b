// Changes of colour to dense uint8 images, [pixels, channels], in place. Each is torchvision 0.14's function
// on uint8 tensors (transforms/functional_tensor.py), in fp32 and in its order of operations, so that the
// bytes are the same.
#pragma once

#include <cstdint>

namespace frugal {

/// Every byte becomes factor * byte + constant, cut to [0, 255], without its fraction.
void scale_bytes(uint8_t* bytes, int64_t count, float factor, float constant);

// RGB, three bytes a pixel. Grey is 0.2989 R + 0.587 G + 0.114 B without its fraction.

/// The sum of all greys.
int64_t sum_greys(const uint8_t* pixels, int64_t count);
/// Every channel becomes the grey.
void to_grey(uint8_t* pixels, int64_t count);
/// Every channel becomes factor * channel + rest * grey: adjust_saturation, with rest = 1 - factor.
void blend_with_grey(uint8_t* pixels, int64_t count, float factor, float rest);
/// Turns the hue by `turn` of the whole circle: adjust_hue.
void turn_hue(uint8_t* pixels, int64_t count, float turn);

}  // namespace frugal

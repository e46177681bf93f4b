// Does a change of colour to an image.
#pragma once

#include <cstdint>

#include "data/change.h"

namespace frugal {

/// `bytes` is an image, [height, width, channels], dense, changed in place; one or three channels. Grey
/// images have no saturation and no hue to change. Sharpness reads its neighbours from `scratch`, which holds
/// as many bytes as the image.
void change_colours(const Change& change, uint8_t* bytes, int64_t height, int64_t width, int64_t channels,
                    uint8_t* scratch);

}  // namespace frugal

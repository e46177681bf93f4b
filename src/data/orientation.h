// Which way up a picture is: cameras store pixels as the sensor saw them and say in an EXIF tag how to turn
// them.
#pragma once

#include <cstdint>
#include <span>

#include "data/image.h"

namespace frugal {

/// The orientation, 1 to 8, that an EXIF block (what follows "Exif\0\0" in a JPEG file, a PNG file's eXIf
/// chunk: a TIFF header and its first directory) states; 1, upright, where it states none or is broken:
/// viewers go by that, too. Exif 2.3, table 4.
int exif_orientation(std::span<const uint8_t> tiff);

/// Of a PNG file's eXIf chunk.
int png_orientation(std::span<const uint8_t> file);

/// Whether this orientation lays height and width the other way round.
inline bool swaps_sides(int orientation) { return orientation >= 5; }

/// The picture as it is meant to be seen.
Image upright(Image image, int orientation);

}  // namespace frugal

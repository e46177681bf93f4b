#include "data/orientation.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace frugal {
namespace {

constexpr uint32_t orientation_tag = 0x0112, short_type = 3;
constexpr size_t entry_bytes = 12;

/// Numbers of either byte order; what would lie beyond the end reads as 0, which no tag and no offset is.
struct Reader {
  std::span<const uint8_t> bytes;
  bool big_endian;

  uint32_t number(size_t at, size_t size) const {
    if (size > bytes.size() || at > bytes.size() - size) return 0;
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) value = value << 8 | bytes[at + (big_endian ? i : size - 1 - i)];
    return value;
  }
};

}  // namespace

int exif_orientation(std::span<const uint8_t> tiff) {
  if (tiff.size() < 8) return 1;
  const bool big = tiff[0] == 'M' && tiff[1] == 'M', little = tiff[0] == 'I' && tiff[1] == 'I';
  const Reader reader{tiff, big};
  if ((!big && !little) || reader.number(2, 2) != 42) return 1;
  const size_t directory = reader.number(4, 4);
  const size_t entries = reader.number(directory, 2);  // at most 65,535
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + i * entry_bytes;
    if (reader.number(entry, 2) != orientation_tag) continue;
    if (reader.number(entry + 2, 2) != short_type || reader.number(entry + 4, 4) != 1) return 1;
    const auto orientation = static_cast<int>(reader.number(entry + 8, 2));
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
  }
  return 1;
}

int png_orientation(std::span<const uint8_t> file) {
  constexpr size_t signature = 8, frame = 12;  // a chunk's length, name and checksum
  const Reader reader{file, true};
  for (size_t at = signature; at + frame <= file.size();) {
    const size_t length = reader.number(at, 4);
    if (length > file.size() - at - frame) return 1;
    if (std::memcmp(file.data() + at + 4, "eXIf", 4) == 0) {
      return exif_orientation(file.subspan(at + 8, length));
    }
    at += length + frame;
  }
  return 1;
}

Image upright(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  // 2, 4 mirror; 3 turns by half; 5 to 8 swap the axes first. A row of the result walks from `first` in steps
  // of `along`, the next row begins `below` further on: all in pixels of the source.
  const bool swapped = swaps_sides(orientation);
  const bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const int64_t h = image.height, w = image.width, c = image.channels;
  const int64_t dx = flip_x ? -1 : 1, dy = flip_y ? -w : w;
  const int64_t first = (flip_x ? w - 1 : 0) + (flip_y ? (h - 1) * w : 0);
  const int64_t along = swapped ? dy : dx, below = swapped ? dx : dy;

  Image turned{swapped ? w : h, swapped ? h : w, c, {}};
  turned.pixels.resize(image.pixels.size());
  uint8_t* out = turned.pixels.data();
  for (int64_t y = 0; y < turned.height; ++y) {
    for (int64_t x = 0; x < turned.width; ++x, out += c) {
      std::copy_n(image.pixels.data() + (first + y * below + x * along) * c, c, out);
    }
  }
  return turned;
}

}  // namespace frugal

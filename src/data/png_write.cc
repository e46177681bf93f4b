// PNG written through libpng's simplified interface, which reports errors by return value.
#include <png.h>

#include "base/error.h"
#include "base/file.h"
#include "data/image_file.h"

namespace frugal {

std::vector<uint8_t> encode_png(const Image& image) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  const auto stride = static_cast<png_int_32>(image.width * image.channels);
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  std::vector<uint8_t> bytes(size);
  if (png_image_write_to_memory(&png, bytes.data(), &size, 0, image.pixels.data(), stride, nullptr) == 0) {
    const std::string why = png.message;
    png_image_free(&png);
    throw Error("cannot encode a picture: " + why);
  }
  bytes.resize(size);
  return bytes;
}

void write_png(const std::filesystem::path& path, const Image& image) {
  const std::vector<uint8_t> bytes = encode_png(image);
  const std::span<const uint8_t> piece(bytes);
  write_file_atomic(path, std::span(&piece, 1));
}

}  // namespace frugal

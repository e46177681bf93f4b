// PNG through libpng's simplified interface: it handles every colour type and depth, and reports errors by
// return value, so no C++ object is ever jumped over.
#include <png.h>

#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "data/image_file.h"
#include "data/orientation.h"

namespace frugal {
namespace {

/// Frees what libpng holds, however the scope is left.
struct PngImage {
  png_image image{};
  PngImage() { image.version = PNG_IMAGE_VERSION; }
  PngImage(const PngImage&) = delete;
  PngImage& operator=(const PngImage&) = delete;
  ~PngImage() { png_image_free(&image); }
  /// Warnings alone (an odd colour profile) leave a picture that is whole.
  bool failed() const { return PNG_IMAGE_FAILED(image); }
};

[[noreturn]] void fail(const PngImage& png, const std::string& name) {
  throw Error(name + ": broken PNG picture: " + png.image.message);
}

/// Reads as far as the pixels; throws unless they may be read.
void open(PngImage& png, std::span<const uint8_t> bytes, const std::string& name) {
  if (png_image_begin_read_from_memory(&png.image, bytes.data(), bytes.size()) == 0 || png.failed()) {
    fail(png, name);
  }
  check_image_size(png.image.width, png.image.height, name);
}

}  // namespace

ImageSize png_size(std::span<const uint8_t> bytes, const std::string& name) {
  PngImage png;
  open(png, bytes, name);
  return ImageSize{png.image.height, png.image.width}.turned(swaps_sides(png_orientation(bytes)));
}

Image decode_png(std::span<const uint8_t> bytes, int channels, const std::string& name) {
  PngImage png;
  open(png, bytes, name);
  // Sixteen bits without a stated gamma are sRGB as in every other program, not linear light.
  png.image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  png.image.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;

  Image image{png.image.height, png.image.width, channels, {}};
  image.pixels.resize(static_cast<size_t>(image.height * image.width * channels));
  const png_color white = {255, 255, 255};
  if (png_image_finish_read(&png.image, &white, image.pixels.data(),
                            static_cast<png_int_32>(image.width * channels), nullptr) == 0 ||
      png.failed()) {
    fail(png, name);
  }
  return upright(std::move(image), png_orientation(bytes));
}

std::string png_library() { return std::string("libpng ") + png_get_libpng_ver(nullptr); }

std::vector<uint8_t> encode_png(const Image& image) {
  PngImage png;
  png.image.width = static_cast<png_uint_32>(image.width);
  png.image.height = static_cast<png_uint_32>(image.height);
  png.image.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  const auto stride = static_cast<png_int_32>(image.width * image.channels);
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png.image);
  std::vector<uint8_t> bytes(size);
  if (png_image_write_to_memory(&png.image, bytes.data(), &size, 0, image.pixels.data(), stride, nullptr) ==
      0) {
    throw Error(std::string("cannot encode a picture: ") + png.image.message);
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

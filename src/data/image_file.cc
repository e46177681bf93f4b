#include "data/image_file.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace frugal {
namespace {

template <size_t N>
bool starts_with(std::span<const uint8_t> bytes, const std::array<uint8_t, N>& magic) {
  return bytes.size() >= N && std::equal(magic.begin(), magic.end(), bytes.begin());
}

enum class Kind { png, jpeg };

Kind kind_of(std::span<const uint8_t> bytes, const std::string& name) {
  if (bytes.empty()) throw Error(name + ": the file is empty");
  if (starts_with<4>(bytes, {0x89, 'P', 'N', 'G'})) return Kind::png;
  if (starts_with<3>(bytes, {0xFF, 0xD8, 0xFF})) return Kind::jpeg;
  const char* kind = starts_with<4>(bytes, {'R', 'I', 'F', 'F'})   ? " (it looks like WebP)"
                     : starts_with<4>(bytes, {'G', 'I', 'F', '8'}) ? " (it looks like GIF)"
                     : starts_with<2>(bytes, {'B', 'M'})           ? " (it looks like BMP)"
                                                                   : "";
  throw Error(name + ": neither a PNG nor a JPEG picture" + kind + "; convert it to one of them");
}

}  // namespace

void check_image_size(int64_t width, int64_t height, const std::string& name) {
  if (width < 1 || height < 1) throw Error(name + ": the picture has no pixels");
  if (width > max_image_pixels / height) {
    throw Error(name + ": " + std::to_string(width) + " x " + std::to_string(height) +
                " pixels are more than the limit of " + std::to_string(max_image_pixels >> 20) +
                " megapixels; scale the picture down first");
  }
}

Image decode_image(std::span<const uint8_t> bytes, int channels, const std::string& name) {
  return kind_of(bytes, name) == Kind::png ? decode_png(bytes, channels, name)
                                           : decode_jpeg(bytes, channels, name);
}

ImageSize image_size(std::span<const uint8_t> bytes, const std::string& name) {
  return kind_of(bytes, name) == Kind::png ? png_size(bytes, name) : jpeg_size(bytes, name);
}

std::string decoder_versions() { return png_library() + ", " + jpeg_library(); }

Image read_image(const std::filesystem::path& path, int channels) {
  const std::vector<uint8_t> bytes = read_file(path, max_image_file_bytes);
  return decode_image(bytes, channels, path.string());
}

}  // namespace frugal

// JPEG through libjpeg. Its errors leave by longjmp, so everything that needs a destructor lives outside the
// function that calls setjmp.
#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <utility>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>
// After jpeglib.h, whose types it uses.
#include <jerror.h>

#include "base/error.h"
#include "data/image_file.h"
#include "data/orientation.h"

namespace frugal {
namespace {

/// A real progressive file has about ten scans; each costs a pass over the whole picture.
constexpr int max_scans = 200;
constexpr int exif_marker = JPEG_APP0 + 1;

struct Decoder {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  jmp_buf leave{};
  char message[JMSG_LENGTH_MAX] = "";
  bool created = false;
  Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() {
    if (created) jpeg_destroy_decompress(&jpeg);
  }
};

[[noreturn]] void give_up(j_common_ptr common) {
  auto* decoder = static_cast<Decoder*>(common->client_data);
  common->err->format_message(common, decoder->message);
  longjmp(decoder->leave, 1);
}

/// libjpeg fills what is missing with grey and warns; a prediction from that would be a lie.
void on_message(j_common_ptr common, int level) {
  if (level >= 0) return;
  const int code = common->err->msg_code;
  // Nothing is missing where the header of a scan is not as it should be: cameras write such files.
  const bool harmless = code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR ||
                        code == JWRN_NOT_SEQUENTIAL;
  if (!harmless) give_up(common);
}

void on_progress(j_common_ptr common) {
  auto* decoder = static_cast<Decoder*>(common->client_data);
  if (decoder->jpeg.input_scan_number <= max_scans) return;
  std::snprintf(decoder->message, sizeof decoder->message, "more than %d scans", max_scans);
  longjmp(decoder->leave, 1);
}

/// False: `message` says why.
bool read_header(Decoder& d, std::span<const uint8_t> bytes) {
  d.jpeg.err = jpeg_std_error(&d.errors);
  d.errors.error_exit = give_up;
  d.errors.emit_message = on_message;
  d.jpeg.client_data = &d;
  if (setjmp(d.leave) != 0) return false;
  jpeg_create_decompress(&d.jpeg);
  d.created = true;
  d.progress.progress_monitor = on_progress;
  d.jpeg.progress = &d.progress;
  jpeg_mem_src(&d.jpeg, bytes.data(), static_cast<unsigned long>(bytes.size()));
  jpeg_save_markers(&d.jpeg, exif_marker, 0xFFFF);
  jpeg_read_header(&d.jpeg, TRUE);
  return true;
}

bool read_pixels(Decoder& d, uint8_t* pixels, size_t stride) {
  if (setjmp(d.leave) != 0) return false;
  jpeg_start_decompress(&d.jpeg);
  while (d.jpeg.output_scanline < d.jpeg.output_height) {
    JSAMPROW row = pixels + d.jpeg.output_scanline * stride;
    jpeg_read_scanlines(&d.jpeg, &row, 1);
  }
  jpeg_finish_decompress(&d.jpeg);
  return true;
}

[[noreturn]] void fail(const Decoder& decoder, const std::string& name) {
  throw Error(name + ": broken JPEG picture: " + decoder.message);
}

/// Reads as far as the pixels; throws unless they may be read.
void open(Decoder& decoder, std::span<const uint8_t> bytes, const std::string& name) {
  if (!read_header(decoder, bytes)) fail(decoder, name);
  check_image_size(decoder.jpeg.image_width, decoder.jpeg.image_height, name);
  const J_COLOR_SPACE space = decoder.jpeg.jpeg_color_space;
  if (space == JCS_CMYK || space == JCS_YCCK) {
    throw Error(name + ": a CMYK picture, whose colours depend on a printer; convert it to RGB");
  }
}

int orientation(const Decoder& decoder) {
  constexpr std::array<uint8_t, 6> magic{'E', 'x', 'i', 'f', 0, 0};
  for (jpeg_saved_marker_ptr marker = decoder.jpeg.marker_list; marker != nullptr; marker = marker->next) {
    const std::span<const uint8_t> data(marker->data, marker->data_length);
    // XMP uses the same marker.
    if (data.size() < magic.size() || !std::equal(magic.begin(), magic.end(), data.begin())) continue;
    return exif_orientation(data.subspan(magic.size()));
  }
  return 1;
}

}  // namespace

std::string jpeg_library() {
#ifdef LIBJPEG_TURBO_VERSION_NUMBER
  return "libjpeg-turbo " + std::to_string(LIBJPEG_TURBO_VERSION_NUMBER);
#else
  return "libjpeg " + std::to_string(JPEG_LIB_VERSION);
#endif
}

ImageSize jpeg_size(std::span<const uint8_t> bytes, const std::string& name) {
  Decoder decoder;
  open(decoder, bytes, name);
  return ImageSize{decoder.jpeg.image_height, decoder.jpeg.image_width}.turned(
      swaps_sides(orientation(decoder)));
}

Image decode_jpeg(std::span<const uint8_t> bytes, int channels, const std::string& name) {
  Decoder decoder;
  open(decoder, bytes, name);
  const int turn = orientation(decoder);  // libjpeg forgets its markers when it finishes
  decoder.jpeg.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;

  Image image{decoder.jpeg.image_height, decoder.jpeg.image_width, channels, {}};
  image.pixels.resize(static_cast<size_t>(image.height * image.width * channels));
  if (!read_pixels(decoder, image.pixels.data(), static_cast<size_t>(image.width * channels))) {
    fail(decoder, name);
  }
  return upright(std::move(image), turn);
}

}  // namespace frugal

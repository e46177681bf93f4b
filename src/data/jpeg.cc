// JPEG through libjpeg. Its errors leave by longjmp, so everything that needs a destructor lives outside the
// function that calls setjmp.
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstring>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>
// After jpeglib.h, whose types it uses.
#include <jerror.h>

#include "base/error.h"
#include "data/image_file.h"

namespace frugal {
namespace {

/// A real progressive file has about ten scans; each costs a pass over the whole picture.
constexpr int max_scans = 200;

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
  const bool harmless = code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR;
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

}  // namespace

Image decode_jpeg(std::span<const uint8_t> bytes, int channels, const std::string& name) {
  Decoder decoder;
  const auto fail = [&] { throw Error(name + ": broken JPEG picture: " + decoder.message); };
  if (!read_header(decoder, bytes)) fail();
  check_image_size(decoder.jpeg.image_width, decoder.jpeg.image_height, name);
  const J_COLOR_SPACE space = decoder.jpeg.jpeg_color_space;
  if (space == JCS_CMYK || space == JCS_YCCK) {
    throw Error(name + ": a CMYK picture, whose colours depend on a printer; convert it to RGB");
  }
  decoder.jpeg.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;

  Image image{decoder.jpeg.image_height, decoder.jpeg.image_width, channels, {}};
  image.pixels.resize(static_cast<size_t>(image.height * image.width * channels));
  if (!read_pixels(decoder, image.pixels.data(), static_cast<size_t>(image.width * channels))) fail();
  return image;
}

}  // namespace frugal

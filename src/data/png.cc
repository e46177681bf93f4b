// PNG through libpng. Its errors leave by longjmp, so everything that needs a destructor lives outside the
// functions that call setjmp. Pixels are taken as they are stored, whatever gamma or profile the file claims,
// as most programs that read pictures for training do, and as JPEG is taken.
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"
#include "data/image_file.h"
#include "data/orientation.h"

namespace frugal {
namespace {

/// Frees what libpng holds, however the scope is left.
struct Decoder {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::span<const uint8_t> rest;  // what libpng has not read yet
  char message[256] = "";
  jmp_buf leave{};

  explicit Decoder(std::span<const uint8_t> bytes) : rest(bytes) {}
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { png_destroy_read_struct(&png, &info, nullptr); }
};

[[noreturn]] void give_up(png_structp png, png_const_charp why) {
  auto* decoder = static_cast<Decoder*>(png_get_error_ptr(png));
  std::snprintf(decoder->message, sizeof decoder->message, "%s", why);
  longjmp(decoder->leave, 1);
}

/// An odd colour profile leaves a picture that is whole.
void on_warning(png_structp, png_const_charp) {}

void read_bytes(png_structp png, png_bytep to, size_t count) {
  auto* decoder = static_cast<Decoder*>(png_get_io_ptr(png));
  if (decoder->rest.size() < count) png_error(png, "the file ends too early");
  std::memcpy(to, decoder->rest.data(), count);
  decoder->rest = decoder->rest.subspan(count);
}

/// False: `message` says why.
bool read_header(Decoder& d) {
  if (setjmp(d.leave) != 0) return false;
  d.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &d, give_up, on_warning);
  if (d.png != nullptr) d.info = png_create_info_struct(d.png);
  if (d.info == nullptr) {
    std::snprintf(d.message, sizeof d.message, "libpng cannot be started");
    return false;
  }
  png_set_read_fn(d.png, &d, read_bytes);
  png_read_info(d.png, d.info);
  return true;
}

/// Has libpng yield one to four channels of eight bits: grey or RGB, with or without alpha.
bool choose_form(Decoder& d) {
  if (setjmp(d.leave) != 0) return false;
  png_set_expand(d.png);
  png_set_scale_16(d.png);
  png_set_interlace_handling(d.png);
  png_read_update_info(d.png, d.info);
  return true;
}

bool read_pixels(Decoder& d, png_bytepp rows) {
  if (setjmp(d.leave) != 0) return false;
  png_read_image(d.png, rows);
  return true;
}

[[noreturn]] void fail(const Decoder& decoder, const std::string& name) {
  throw Error(name + ": broken PNG picture: " + decoder.message);
}

/// Reads as far as the pixels; throws unless they may be read.
void open(Decoder& decoder, const std::string& name) {
  if (!read_header(decoder)) fail(decoder, name);
  check_image_size(png_get_image_width(decoder.png, decoder.info),
                   png_get_image_height(decoder.png, decoder.info), name);
}

uint8_t over_white(uint32_t value, uint32_t alpha) {
  return static_cast<uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255);
}

/// The luma of ITU-R BT.601 in 16 bits, as libjpeg and Pillow reckon it.
uint8_t grey(const uint8_t* rgb) {
  return static_cast<uint8_t>((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) >> 16);
}

/// One to four channels (grey or RGB, with or without alpha) to one or three, laid over white. `to` may be
/// `from` where the channels do not become more.
void convert(const uint8_t* from, int stored, size_t count, int channels, uint8_t* to) {
  const bool coloured = stored >= 3, alpha = stored % 2 == 0;
  for (size_t i = 0; i < count; ++i, from += stored) {
    uint8_t rgb[3];
    for (int c = 0; c < 3; ++c) {
      const uint8_t value = from[coloured ? c : 0];
      rgb[c] = alpha ? over_white(value, from[stored - 1]) : value;
    }
    if (channels == 3) {
      to = std::copy_n(rgb, 3, to);
    } else {
      *to++ = coloured ? grey(rgb) : rgb[0];
    }
  }
}

}  // namespace

ImageSize png_size(std::span<const uint8_t> bytes, const std::string& name) {
  Decoder decoder(bytes);
  open(decoder, name);
  return ImageSize{png_get_image_height(decoder.png, decoder.info),
                   png_get_image_width(decoder.png, decoder.info)}
      .turned(swaps_sides(png_orientation(bytes)));
}

Image decode_png(std::span<const uint8_t> bytes, int channels, const std::string& name) {
  Decoder decoder(bytes);
  open(decoder, name);
  if (!choose_form(decoder)) fail(decoder, name);
  Image image{png_get_image_height(decoder.png, decoder.info),
              png_get_image_width(decoder.png, decoder.info),
              channels,
              {}};
  const int stored = png_get_channels(decoder.png, decoder.info);
  const auto count = static_cast<size_t>(image.height * image.width);
  std::vector<uint8_t> pixels(count * static_cast<size_t>(stored));
  std::vector<png_bytep> rows(static_cast<size_t>(image.height));
  for (size_t y = 0; y < rows.size(); ++y) {
    rows[y] = pixels.data() + y * static_cast<size_t>(image.width * stored);
  }
  if (!read_pixels(decoder, rows.data())) fail(decoder, name);
  if (stored >= channels) {
    if (stored > channels) convert(pixels.data(), stored, count, channels, pixels.data());
    pixels.resize(count * static_cast<size_t>(channels));
    image.pixels = std::move(pixels);
  } else {
    image.pixels.resize(count * static_cast<size_t>(channels));
    convert(pixels.data(), stored, count, channels, image.pixels.data());
  }
  return upright(std::move(image), png_orientation(bytes));
}

std::string png_library() { return std::string("libpng ") + png_get_libpng_ver(nullptr); }

}  // namespace frugal

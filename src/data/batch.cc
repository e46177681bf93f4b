#include "data/batch.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/error.h"
#include "data/draw.h"
#include "data/mix.h"
#include "data/render.h"
#include "data/resize.h"

namespace frugal {
namespace {

constexpr int64_t values = 256;

template <class T>
T convert(float value) {
  if constexpr (sizeof(T) == 2) {
    return to_bf16(value);
  } else {
    return value;
  }
}

/// What each of the 256 values of a pixel becomes, by channel. A look-up is exact, alike on every processor,
/// and fast enough without vectors: under 2 us for an image of 32x32x3 (see docs/decisions.md).
template <class T>
std::vector<T> make_table(const Normalization& normalization) {
  std::vector<T> table(normalization.mean.size() * values);
  for (size_t c = 0; c < normalization.mean.size(); ++c) {
    for (size_t value = 0; value < values; ++value) {
      // In fp32 step by step, as PyTorch's ToTensor and Normalize.
      const float scaled = static_cast<float>(value) / 255.0f;
      table[c * values + value] = convert<T>((scaled - normalization.mean[c]) / normalization.std[c]);
    }
  }
  return table;
}

/// Pixels into the output, with their number of channels known to the compiler where Channels is not
/// 0.
template <int Channels, class T>
struct Run {
  const T* table;
  int64_t some_channels, out_step;

  int64_t channels() const { return Channels > 0 ? Channels : some_channels; }
  void copy(const uint8_t* in, int64_t count, T* out) const {
    for (int64_t i = 0; i < count; ++i) copy_pixel(in + i * channels(), out + i * out_step);
  }
  /// The pixels that `from` names, black for -1.
  void copy(const uint8_t* in, const AxisIndex& from, T* out) const {
    for (int64_t i = 0; i < from.size(); ++i) {
      if (from[i] < 0) {
        black(1, out + i * out_step);
      } else {
        copy_pixel(in + from[i] * channels(), out + i * out_step);
      }
    }
  }
  void black(int64_t count, T* out) const {
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t c = 0; c < channels(); ++c) out[i * out_step + c] = table[c * values];
    }
  }

 private:
  void copy_pixel(const uint8_t* in, T* out) const {
    for (int64_t c = 0; c < channels(); ++c) out[c] = table[c * values + in[c]];
  }
};

template <int Channels, class T>
void write_image(const uint8_t* pixels, const AxisIndex& from_y, const AxisIndex& from_x,
                 const Run<Channels, T>& run, T* out, int64_t row_step) {
  const int64_t width = from_x.size(), channels = run.channels();
  for (int64_t y = 0; y < from_y.size(); ++y, out += row_step) {
    if (from_y[y] < 0) {
      run.black(width, out);
      continue;
    }
    const uint8_t* row = pixels + from_y[y] * width * channels;
    if (from_x.is_identity()) {
      run.copy(row, width, out);
    } else {
      run.copy(row, from_x, out);
    }
  }
}

template <class T>
void erase(const Rectangle& box, int64_t channels, T* out, int64_t row_step, int64_t pixel_step) {
  for (int64_t y = box.top; y < box.top + box.height; ++y) {
    for (int64_t x = box.left; x < box.left + box.width; ++x) {
      std::fill_n(out + y * row_step + x * pixel_step, channels, T{0});
    }
  }
}

/// What a thread needs to make images, kept from batch to batch.
struct Room {
  Renderer renderer;
  Changes changes;
  AxisIndex all_rows, all_columns;  // of a resized image
  std::vector<uint8_t> indexed, resized;
  std::vector<float> own, partner;  // two images that are mixed
};

/// A rectangle of an image, in another size of it.
Rectangle scaled(const Rectangle& box, int64_t from_height, int64_t from_width, int64_t height,
                 int64_t width) {
  if (from_height == height && from_width == width) return box;
  const auto scale = [](int64_t at, int64_t from, int64_t to) { return (2 * at * to + from) / (2 * from); };
  const int64_t top = scale(box.top, from_height, height), left = scale(box.left, from_width, width);
  return {top, left, scale(box.top + box.height, from_height, height) - top,
          scale(box.left + box.width, from_width, width) - left};
}

/// Makes the images of one call, of `height` x `width` pixels.
template <int Channels>
class Writer {
 public:
  Writer(const ImageSet& images, const BatchRecipe& recipe, int64_t height, int64_t width, Room& room)
      : images_(images), recipe_(recipe), height_(height), width_(width), room_(room) {
    room_.all_rows.reset(height);
    room_.all_columns.reset(width);
  }

  /// The image of a draw, augmented by itself.
  template <class T>
  void write(const Run<Channels, T>& run, int32_t id, uint32_t draw, T* out, int64_t row_step) {
    draw_changes(recipe_.augment, {recipe_.seed, recipe_.epoch, draw, id}, images_.height, images_.width,
                 room_.changes);
    room_.renderer.render(images_.image(id), images_.height, images_.width, images_.channels,
                          room_.changes.list);
    if (height_ == images_.height && width_ == images_.width) {
      write_image(room_.renderer.pixels(), room_.renderer.y(), room_.renderer.x(), run, out, row_step);
    } else {
      write_image(resized(), room_.all_rows, room_.all_columns, run, out, row_step);
    }
    for (const Rectangle& box : room_.changes.erased) {
      erase(scaled(box, images_.height, images_.width, height_, width_), run.channels(), out, row_step,
            run.out_step);
    }
  }

  /// Both images of a mix, in fp32, and then what comes of them.
  template <class T>
  void write_mixed(const Mix& mix, const Run<Channels, float>& floats, int32_t id, uint32_t draw, T* out,
                   int64_t row_step, int64_t pixel_step) {
    const int64_t channels = floats.channels(), row = width_ * channels;
    room_.own.resize(static_cast<size_t>(height_ * row));
    room_.partner.resize(room_.own.size());
    write(floats, id, draw, room_.own.data(), row);
    write(floats, recipe_.order[mix.partner], mix.partner, room_.partner.data(), row);
    if (mix.kind == Mix::Kind::mean) {
      const float own = mix.own, rest = 1.0f - mix.own;
      for (size_t i = 0; i < room_.own.size(); ++i)
        room_.own[i] = own * room_.own[i] + rest * room_.partner[i];
    } else {
      const Rectangle box = scaled(mix.box, images_.height, images_.width, height_, width_);
      for (int64_t y = box.top; y < box.top + box.height; ++y) {
        const auto first = y * row + box.left * channels;
        std::copy_n(room_.partner.begin() + first, box.width * channels, room_.own.begin() + first);
      }
    }
    const float* from = room_.own.data();
    for (int64_t y = 0; y < height_; ++y, out += row_step) {
      for (int64_t x = 0; x < width_; ++x, from += channels) {
        for (int64_t c = 0; c < channels; ++c) out[x * pixel_step + c] = convert<T>(from[c]);
      }
    }
  }

 private:
  /// The rendered image in the size that is asked for.
  const uint8_t* resized() {
    const Renderer& image = room_.renderer;
    const uint8_t* pixels = image.pixels();
    if (!image.y().is_identity() || !image.x().is_identity()) {
      room_.indexed.resize(static_cast<size_t>(images_.image_bytes()));
      gather(pixels, image.y(), image.x(), images_.channels, room_.indexed.data());
      pixels = room_.indexed.data();
    }
    room_.resized.resize(static_cast<size_t>(height_ * width_ * images_.channels));
    resize_pixels(pixels, images_.height, images_.width, images_.channels, height_, width_,
                  room_.resized.data());
    return room_.resized.data();
  }

  const ImageSet& images_;
  const BatchRecipe& recipe_;
  int64_t height_, width_;
  Room& room_;
};

template <int Channels, class T>
void write_images(const ImageSet& images, std::span<const int32_t> ids, uint32_t first_draw,
                  const BatchRecipe& recipe, const TensorView& out) {
  thread_local Room room;
  const std::vector<T> table = make_table<T>(recipe.normalization);
  const Run<Channels, T> run{table.data(), images.channels, out.strides[2]};
  const bool mixing = mixes(recipe.augment);
  const std::vector<float> float_table =
      mixing ? make_table<float>(recipe.normalization) : std::vector<float>{};
  const Run<Channels, float> floats{float_table.data(), images.channels, images.channels};
  Writer<Channels> writer(images, recipe, out.shape[1], out.shape[2], room);
  for (size_t i = 0; i < ids.size(); ++i) {
    const uint32_t draw = first_draw + static_cast<uint32_t>(i);
    auto* to = static_cast<T*>(out.at(static_cast<int64_t>(i)));
    const Mix mix = mixing ? draw_mix(recipe.augment, recipe.seed, recipe.epoch, draw,
                                      static_cast<uint32_t>(recipe.order.size()), images.height, images.width)
                           : Mix{};
    if (mix.kind == Mix::Kind::none) {
      writer.write(run, ids[i], draw, to, out.strides[1]);
    } else {
      writer.write_mixed(mix, floats, ids[i], draw, to, out.strides[1], out.strides[2]);
    }
  }
}

template <class T>
void write_images(const ImageSet& images, std::span<const int32_t> ids, uint32_t first_draw,
                  const BatchRecipe& recipe, const TensorView& out) {
  if (images.channels == 3) return write_images<3, T>(images, ids, first_draw, recipe, out);
  if (images.channels == 1) return write_images<1, T>(images, ids, first_draw, recipe, out);
  write_images<0, T>(images, ids, first_draw, recipe, out);
}

/// A caller's mistake must not become a write past the end.
void check(const ImageSet& images, std::span<const int32_t> ids, const BatchRecipe& recipe,
           const TensorView& out) {
  const auto channels = static_cast<size_t>(images.channels);
  if (recipe.normalization.mean.size() != channels || recipe.normalization.std.size() != channels) {
    throw Error("fill_batch: the normalisation is not one of " + std::to_string(channels) + " channels");
  }
  const bool resizes = out.shape[1] != images.height || out.shape[2] != images.width;
  if (out.shape[0] != std::ssize(ids) || out.shape[3] != images.channels || out.shape[1] < 1 ||
      out.shape[2] < 1 || (resizes && images.channels != 1 && images.channels != 3) || out.strides[3] != 1 ||
      out.type == DType::u8) {
    throw Error(
        "fill_batch: the output is no f32 or bf16 tensor of the batch's shape with its channels innermost");
  }
  for (int32_t id : ids) {
    if (id < 0 || id >= images.count) {
      throw Error("fill_batch: image " + std::to_string(id) + " of " + std::to_string(images.count));
    }
  }
  if (mixes(recipe.augment) && recipe.order.empty()) {
    throw Error("fill_batch: MixUp and CutMix need the epoch's order");
  }
}

}  // namespace

void fill_batch(const ImageSet& images, std::span<const int32_t> ids, uint32_t first_draw,
                const BatchRecipe& recipe, const TensorView& out) {
  check(images, ids, recipe, out);
  if (out.type == DType::f32) {
    write_images<float>(images, ids, first_draw, recipe, out);
  } else {
    write_images<uint16_t>(images, ids, first_draw, recipe, out);
  }
}

}  // namespace frugal

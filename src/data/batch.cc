#include "data/batch.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/error.h"
#include "data/placement.h"

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

/// A run of pixels in the output, with their number of channels known to the compiler where Channels is not
/// 0.
template <int Channels, class T>
struct Run {
  const T* table;
  int64_t some_channels, out_step;

  int64_t channels() const { return Channels > 0 ? Channels : some_channels; }
  void copy(const uint8_t* in, int64_t in_step, int64_t count, T* out) const {
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t c = 0; c < channels(); ++c)
        out[i * out_step + c] = table[c * values + in[i * in_step + c]];
    }
  }
  void black(int64_t count, T* out) const {
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t c = 0; c < channels(); ++c) out[i * out_step + c] = table[c * values];
    }
  }
};

template <int Channels, class T>
void write_image(const uint8_t* image, const Placement& at, const Run<Channels, T>& run, T* out,
                 int64_t row_step) {
  const int64_t width = at.x.size, channels = run.channels();
  const int64_t shown = at.x.end - at.x.begin;
  for (int64_t y = 0; y < at.y.size; ++y, out += row_step) {
    if (shown == 0 || y < at.y.begin || y >= at.y.end) {
      run.black(width, out);
      continue;
    }
    const uint8_t* in = image + (at.y.from(y) * width + at.x.from(at.x.begin)) * channels;
    run.black(at.x.begin, out);
    run.copy(in, at.x.sign * channels, shown, out + at.x.begin * run.out_step);
    run.black(width - at.x.end, out + at.x.end * run.out_step);
  }
}

template <int Channels, class T>
void write_images(const ImageSet& images, std::span<const int32_t> ids, uint32_t first_draw,
                  const BatchRecipe& recipe, const TensorView& out) {
  const std::vector<T> table = make_table<T>(recipe.normalization);
  const Run<Channels, T> run{table.data(), images.channels, out.strides[2]};
  for (size_t i = 0; i < ids.size(); ++i) {
    const Placement at = place(recipe.augment, recipe.seed, recipe.epoch,
                               first_draw + static_cast<uint32_t>(i), images.height, images.width);
    write_image(images.image(ids[i]), at, run, static_cast<T*>(out.at(static_cast<int64_t>(i))),
                out.strides[1]);
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
  const std::array<int64_t, 4> shape{static_cast<int64_t>(ids.size()), images.height, images.width,
                                     images.channels};
  if (out.shape != shape || out.strides[3] != 1 || out.type == DType::u8) {
    throw Error(
        "fill_batch: the output is no f32 or bf16 tensor of the batch's shape with its channels innermost");
  }
  for (int32_t id : ids) {
    if (id < 0 || id >= images.count) {
      throw Error("fill_batch: image " + std::to_string(id) + " of " + std::to_string(images.count));
    }
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

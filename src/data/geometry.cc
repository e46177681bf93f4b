#include "data/geometry.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/math.h"

namespace frugal {
namespace {

/// Rounds to nearest even; |value| < 2^22.
float round_even(float value) {
  constexpr float magic = 0x1.8p23f;
  return (value + magic) - magic;
}

template <int Channels>
void copy_pixel(const uint8_t* in, int64_t channels, uint8_t* out) {
  for (int64_t c = 0; c < (Channels > 0 ? Channels : channels); ++c) out[c] = in[c];
}

template <int Channels>
void gather_pixels(const uint8_t* in, const AxisIndex& y_index, const AxisIndex& x_index, int64_t channels,
                   uint8_t* out) {
  const int64_t width = x_index.size();
  for (int64_t y = 0; y < y_index.size(); ++y, out += width * channels) {
    if (y_index[y] < 0) {
      std::memset(out, 0, static_cast<size_t>(width * channels));
      continue;
    }
    const uint8_t* row = in + y_index[y] * width * channels;
    for (int64_t x = 0; x < width; ++x) {
      const int64_t from = x_index[x];
      if (from < 0) {
        std::memset(out + x * channels, 0, static_cast<size_t>(channels));
      } else {
        copy_pixel<Channels>(row + from * channels, channels, out + x * channels);
      }
    }
  }
}

/// One row of an affine image: where each of its pixels comes from, -1 for outside.
struct RowSources {
  float t0, t1, t2, t3, t4, t5;  // the matrix, in units of half the image
  float width, height;

  void write(float y, int64_t begin, int64_t count, int32_t* sources) const {
    const float half_width = width * 0.5f, half_height = height * 0.5f;
    const float first = -half_width + 0.5f;
    for (int64_t i = 0; i < count; ++i) {
      const float x = first + static_cast<float>(begin + i);
      const float grid_x = x * t0 + y * t1 + t2, grid_y = x * t3 + y * t4 + t5;
      const float at_x = round_even((grid_x + 1.0f) * half_width - 0.5f);
      const float at_y = round_even((grid_y + 1.0f) * half_height - 0.5f);
      const bool inside = at_x >= 0 && at_x < width && at_y >= 0 && at_y < height;
      sources[i] =
          inside ? static_cast<int32_t>(at_y) * static_cast<int32_t>(width) + static_cast<int32_t>(at_x) : -1;
    }
  }
};

template <int Channels>
void affine_pixels(const uint8_t* in, int64_t height, int64_t width, int64_t channels, const RowSources& rows,
                   uint8_t* out) {
  constexpr int64_t block = 256;
  std::array<int32_t, block> sources;
  for (int64_t y = 0; y < height; ++y) {
    const float from_middle = -static_cast<float>(height) * 0.5f + 0.5f + static_cast<float>(y);
    for (int64_t first = 0; first < width; first += block) {
      const int64_t count = std::min(block, width - first);
      rows.write(from_middle, first, count, sources.data());
      for (int64_t i = 0; i < count; ++i, out += channels) {
        const int64_t from = sources[static_cast<size_t>(i)];
        if (from < 0) {
          std::memset(out, 0, static_cast<size_t>(channels));
        } else {
          copy_pixel<Channels>(in + from * channels, channels, out);
        }
      }
    }
  }
}

}  // namespace

void AxisIndex::reset(int64_t size) {
  index_.resize(static_cast<size_t>(size));
  std::iota(index_.begin(), index_.end(), 0);
  identity_ = true;
}

void AxisIndex::reverse() {
  std::ranges::reverse(index_);
  identity_ = false;
}

void AxisIndex::shift(int64_t by, Padding padding) {
  if (by == 0) return;
  identity_ = false;
  before_ = index_;
  const int64_t last = size() - 1;
  for (int64_t i = 0; i <= last; ++i) {
    int64_t from = i + by;
    if (padding == Padding::edge) from = std::clamp<int64_t>(from, 0, last);
    while (padding == Padding::reflect && last > 0 && (from < 0 || from > last)) {
      from = from < 0 ? -from : 2 * last - from;
    }
    const bool inside = from >= 0 && from <= last;
    index_[static_cast<size_t>(i)] = inside ? before_[static_cast<size_t>(from)] : -1;
  }
}

AffineMatrix inverse_affine(const AffineChange& change) {
  const auto [sine, cosine] = sine_cosine_of_degrees(change.degrees);
  // The rotation, after both shears: cos(r - s) / cos(s) = cos r + sin r tan s, and so on.
  const double a = cosine + sine * change.tangent_y;
  const double b = -a * change.tangent_x - sine;
  const double c = sine - cosine * change.tangent_y;
  const double d = -c * change.tangent_x + cosine;
  AffineMatrix matrix = {d / change.scale, -b / change.scale, 0, -c / change.scale, a / change.scale, 0};
  matrix[2] = matrix[0] * (-change.cx - change.tx) + matrix[1] * (-change.cy - change.ty) + change.cx;
  matrix[5] = matrix[3] * (-change.cx - change.tx) + matrix[4] * (-change.cy - change.ty) + change.cy;
  return matrix;
}

void affine_nearest(const uint8_t* in, int64_t height, int64_t width, int64_t channels,
                    const AffineMatrix& matrix, uint8_t* out) {
  RowSources rows{};
  rows.width = static_cast<float>(width);
  rows.height = static_cast<float>(height);
  const auto over = [](double value, float half) { return static_cast<float>(value) / half; };
  rows.t0 = over(matrix[0], rows.width * 0.5f);
  rows.t1 = over(matrix[1], rows.width * 0.5f);
  rows.t2 = over(matrix[2], rows.width * 0.5f);
  rows.t3 = over(matrix[3], rows.height * 0.5f);
  rows.t4 = over(matrix[4], rows.height * 0.5f);
  rows.t5 = over(matrix[5], rows.height * 0.5f);
  if (channels == 3) return affine_pixels<3>(in, height, width, channels, rows, out);
  if (channels == 1) return affine_pixels<1>(in, height, width, channels, rows, out);
  affine_pixels<0>(in, height, width, channels, rows, out);
}

void gather(const uint8_t* in, const AxisIndex& y, const AxisIndex& x, int64_t channels, uint8_t* out) {
  if (channels == 3) return gather_pixels<3>(in, y, x, channels, out);
  if (channels == 1) return gather_pixels<1>(in, y, x, channels, out);
  gather_pixels<0>(in, y, x, channels, out);
}

}  // namespace frugal

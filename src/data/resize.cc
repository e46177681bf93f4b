#include "data/resize.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace frugal {
namespace {

/// Weights are whole numbers of 2^-22: a sum of 8-bit values then fits into 32 bits, sign included.
constexpr int weight_bits = 22;
constexpr int32_t half = 1 << (weight_bits - 1);

/// The source positions that one output position mixes: [first, first + count), their weights from `weights`.
struct Tap {
  int64_t first = 0, count = 0;
  size_t weights = 0;
};

struct Taps {
  std::vector<Tap> taps;
  std::vector<int32_t> weights;
};

/// Halves go up.
int64_t nearest(double value) { return static_cast<int64_t>(std::floor(value + 0.5)); }

Taps triangle_taps(int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double support = std::max(scale, 1.0), narrow = 1.0 / support;
  Taps result;
  std::vector<double> raw;
  for (int64_t i = 0; i < to; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const auto first = std::max<int64_t>(0, nearest(centre - support));
    const auto end = std::min<int64_t>(from, nearest(centre + support));
    raw.clear();
    double sum = 0;
    for (int64_t k = first; k < end; ++k) {
      raw.push_back(std::max(0.0, 1 - std::abs((static_cast<double>(k) - centre + 0.5) * narrow)));
      sum += raw.back();
    }
    result.taps.push_back({first, end - first, result.weights.size()});
    for (const double w : raw) {
      result.weights.push_back(static_cast<int32_t>(nearest(w / sum * (1 << weight_bits))));
    }
  }
  return result;
}

/// The weights are not negative and sum to 2^22 give or take a rounding each, so only the upper end can be
/// passed.
uint8_t to_byte(int32_t sum) { return static_cast<uint8_t>(std::min(sum >> weight_bits, 255)); }

/// A picture, or a part of one, somewhere in memory.
struct Window {
  const uint8_t* pixels;
  int64_t height, width, channels, row;  // `row`: bytes from one row to the next
};

template <int Channels>
void across(const Window& in, const Taps& taps, int64_t width, uint8_t* out) {
  for (int64_t y = 0; y < in.height; ++y) {
    const uint8_t* row = in.pixels + y * in.row;
    for (int64_t x = 0; x < width; ++x, out += Channels) {
      const Tap tap = taps.taps[static_cast<size_t>(x)];
      const int32_t* weights = taps.weights.data() + tap.weights;
      const uint8_t* pixel = row + tap.first * Channels;
      int32_t sums[Channels];
      for (int32_t& sum : sums) sum = half;
      for (int64_t k = 0; k < tap.count; ++k, pixel += Channels) {
        for (int c = 0; c < Channels; ++c) sums[c] += weights[k] * pixel[c];
      }
      for (int c = 0; c < Channels; ++c) out[c] = to_byte(sums[c]);
    }
  }
}

void down(const Window& in, const Taps& taps, int64_t height, uint8_t* out) {
  const int64_t bytes = in.width * in.channels;
  std::vector<int32_t> sums(static_cast<size_t>(bytes));
  for (int64_t y = 0; y < height; ++y, out += bytes) {
    const Tap tap = taps.taps[static_cast<size_t>(y)];
    std::ranges::fill(sums, half);
    for (int64_t k = 0; k < tap.count; ++k) {
      const uint8_t* row = in.pixels + (tap.first + k) * in.row;
      const int32_t weight = taps.weights[tap.weights + static_cast<size_t>(k)];
      for (int64_t i = 0; i < bytes; ++i) sums[static_cast<size_t>(i)] += weight * row[i];
    }
    for (int64_t i = 0; i < bytes; ++i) out[i] = to_byte(sums[static_cast<size_t>(i)]);
  }
}

void resize(const Window& in, int64_t height, int64_t width, uint8_t* out) {
  std::vector<uint8_t> rows;
  Window narrowed = in;
  if (width != in.width) {
    rows.resize(static_cast<size_t>(in.height * width * in.channels));
    const Taps taps = triangle_taps(in.width, width);
    in.channels == 1 ? across<1>(in, taps, width, rows.data()) : across<3>(in, taps, width, rows.data());
    narrowed = {rows.data(), in.height, width, in.channels, width * in.channels};
  }
  // Where the height stays, each row has one weight, of one.
  down(narrowed, triangle_taps(in.height, height), height, out);
}

/// The largest centred part with the proportions of height x width.
Window middle(const Image& image, int64_t height, int64_t width) {
  int64_t h = image.height, w = image.width;
  if (w * height > h * width) {
    w = std::max<int64_t>(1, h * width / height);
  } else {
    h = std::max<int64_t>(1, w * height / width);
  }
  const int64_t row = image.width * image.channels;
  const int64_t top = (image.height - h) / 2, left = (image.width - w) / 2;
  return {image.pixels.data() + top * row + left * image.channels, h, w, image.channels, row};
}

}  // namespace

Image resize(const Image& image, int64_t height, int64_t width) {
  Image result{height, width, image.channels, {}};
  result.pixels.resize(static_cast<size_t>(height * width * image.channels));
  resize({image.pixels.data(), image.height, image.width, image.channels, image.width * image.channels},
         height, width, result.pixels.data());
  return result;
}

void resize_pixels(const uint8_t* in, int64_t height, int64_t width, int64_t channels, int64_t to_height,
                   int64_t to_width, uint8_t* out) {
  resize({in, height, width, channels, width * channels}, to_height, to_width, out);
}

Image crop_to_proportions(const Image& image, int64_t height, int64_t width) {
  const Window part = middle(image, height, width);
  Image result{part.height, part.width, image.channels, {}};
  result.pixels.reserve(static_cast<size_t>(part.height * part.width * part.channels));
  for (int64_t y = 0; y < part.height; ++y) {
    const uint8_t* row = part.pixels + y * part.row;
    result.pixels.insert(result.pixels.end(), row, row + part.width * part.channels);
  }
  return result;
}

void fit(const Image& image, int64_t height, int64_t width, uint8_t* out) {
  resize(middle(image, height, width), height, width, out);
}

}  // namespace frugal

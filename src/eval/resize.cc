#include "eval/resize.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace frugal {
namespace {

/// The source positions that one output position mixes.
struct Tap {
  int64_t first = 0;
  std::vector<float> weights;
};

std::vector<Tap> triangle_taps(int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double support = std::max(scale, 1.0);
  std::vector<Tap> taps(static_cast<size_t>(to));
  for (int64_t i = 0; i < to; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const auto first = std::max<int64_t>(0, static_cast<int64_t>(std::floor(centre - support)));
    const auto last = std::min<int64_t>(from - 1, static_cast<int64_t>(std::ceil(centre + support)));
    Tap& tap = taps[static_cast<size_t>(i)];
    tap.first = first;
    std::vector<double> weights;
    double sum = 0;
    for (int64_t k = first; k <= last; ++k) {
      weights.push_back(std::max(0.0, 1 - std::abs((static_cast<double>(k) + 0.5 - centre) / support)));
      sum += weights.back();
    }
    for (double w : weights) tap.weights.push_back(static_cast<float>(w / sum));
  }
  return taps;
}

}  // namespace

Image resize(const Image& image, int64_t height, int64_t width) {
  const int64_t channels = image.channels;
  const std::vector<Tap> across = triangle_taps(image.width, width);
  const std::vector<Tap> down = triangle_taps(image.height, height);

  // Rows first: what remains, [H, width, C] floats, is small even for a large photograph.
  std::vector<float> rows(static_cast<size_t>(image.height * width * channels));
  for (int64_t y = 0; y < image.height; ++y) {
    const uint8_t* in = image.pixels.data() + y * image.width * channels;
    float* out = rows.data() + y * width * channels;
    for (int64_t x = 0; x < width; ++x) {
      const Tap& tap = across[static_cast<size_t>(x)];
      for (int64_t c = 0; c < channels; ++c) {
        float sum = 0;
        for (size_t k = 0; k < tap.weights.size(); ++k) {
          sum +=
              tap.weights[k] * static_cast<float>(in[(tap.first + static_cast<int64_t>(k)) * channels + c]);
        }
        out[x * channels + c] = sum;
      }
    }
  }

  Image result{height, width, channels, {}};
  const int64_t row = width * channels;
  result.pixels.resize(static_cast<size_t>(height * row));
  std::vector<float> sums(static_cast<size_t>(row));
  for (int64_t y = 0; y < height; ++y) {
    const Tap& tap = down[static_cast<size_t>(y)];
    std::ranges::fill(sums, 0.0f);
    for (size_t k = 0; k < tap.weights.size(); ++k) {
      const float* in = rows.data() + (tap.first + static_cast<int64_t>(k)) * row;
      for (int64_t i = 0; i < row; ++i) sums[static_cast<size_t>(i)] += tap.weights[k] * in[i];
    }
    uint8_t* out = result.pixels.data() + y * row;
    for (int64_t i = 0; i < row; ++i) {
      out[i] = static_cast<uint8_t>(std::clamp(sums[static_cast<size_t>(i)] + 0.5f, 0.0f, 255.0f));
    }
  }
  return result;
}

Image crop_to_proportions(const Image& image, int64_t height, int64_t width) {
  int64_t h = image.height, w = image.width;
  if (w * height > h * width) {
    w = std::max<int64_t>(1, h * width / height);
  } else {
    h = std::max<int64_t>(1, w * height / width);
  }
  const int64_t top = (image.height - h) / 2, left = (image.width - w) / 2;
  Image part{h, w, image.channels, {}};
  part.pixels.reserve(static_cast<size_t>(h * w * image.channels));
  for (int64_t y = 0; y < h; ++y) {
    const auto begin = image.pixels.begin() + ((top + y) * image.width + left) * image.channels;
    part.pixels.insert(part.pixels.end(), begin, begin + w * image.channels);
  }
  return part;
}

}  // namespace frugal

#include "data/colour_change.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "data/kernels/colour.h"

namespace frugal {
namespace {

struct Image {
  uint8_t* bytes;
  int64_t height, width, channels;
  int64_t pixels() const { return height * width; }
  int64_t size() const { return pixels() * channels; }
};

using Table = std::array<uint8_t, 256>;

/// torch's cast of a float in [0, 256).
uint8_t cut(float value) { return static_cast<uint8_t>(std::clamp(value, 0.0f, 255.0f)); }

void contrast(const Image& image, float factor, float rest) {
  int64_t sum = 0;
  if (image.channels == 3) {
    sum = sum_greys(image.bytes, image.pixels());
  } else {
    for (int64_t i = 0; i < image.size(); ++i) sum += image.bytes[i];
  }
  const float mean = static_cast<float>(sum) / static_cast<float>(image.pixels());
  scale_bytes(image.bytes, image.size(), factor, rest * mean);
}

/// A table of its own for every channel, made by make(channel) from the image as it is.
template <class Make>
void by_tables(const Image& image, Make make) {
  for (int64_t c = 0; c < image.channels; ++c) {
    const Table table = make(c);
    for (int64_t i = c; i < image.size(); i += image.channels) image.bytes[i] = table[image.bytes[i]];
  }
}

template <class Value>
Table table_of(Value value) {
  Table table;
  for (size_t i = 0; i < table.size(); ++i) table[i] = value(static_cast<int>(i));
  return table;
}

Table unchanged() {
  return table_of([](int i) { return static_cast<uint8_t>(i); });
}

Table autocontrast_of(const Image& image, int64_t channel) {
  uint8_t least = 255, most = 0;
  for (int64_t i = channel; i < image.size(); i += image.channels) {
    least = std::min(least, image.bytes[i]);
    most = std::max(most, image.bytes[i]);
  }
  if (least == most) return unchanged();
  // As torch divides a number by a tensor.
  const float scale = 1.0f / (static_cast<float>(most) - static_cast<float>(least)) * 255.0f;
  return table_of([&](int i) { return cut((static_cast<float>(i) - static_cast<float>(least)) * scale); });
}

Table equalize_of(const Image& image, int64_t channel) {
  std::array<int64_t, 256> histogram{};
  for (int64_t i = channel; i < image.size(); i += image.channels) ++histogram[image.bytes[i]];
  int64_t last = 0;
  for (const int64_t count : histogram) last = count != 0 ? count : last;
  const int64_t step = (image.pixels() - last) / 255;
  if (step == 0) return unchanged();
  Table table;
  int64_t below = 0;
  for (size_t i = 0; i < table.size(); ++i) {
    table[i] = i == 0 ? 0 : static_cast<uint8_t>(std::min<int64_t>((below + step / 2) / step, 255));
    below += histogram[i];
  }
  return table;
}

/// Between the image and its mean over 3x3 pixels, in which the middle weighs 5 of 13; the border blends with
/// itself.
void sharpness(const Image& image, float factor, float rest, uint8_t* before) {
  if (image.height <= 2 || image.width <= 2) return;
  std::memcpy(before, image.bytes, static_cast<size_t>(image.size()));
  const int64_t row = image.width * image.channels;
  const auto blend = [&](int64_t i, int smooth) {
    image.bytes[i] = cut(factor * static_cast<float>(before[i]) + rest * static_cast<float>(smooth));
  };
  for (int64_t y = 0; y < image.height; ++y) {
    const bool inner = y > 0 && y < image.height - 1;
    for (int64_t x = 0; x < row; ++x) {
      const int64_t i = y * row + x;
      if (!inner || x < image.channels || x >= row - image.channels) {
        blend(i, before[i]);
        continue;
      }
      int sum = 4 * before[i];
      for (int64_t from = i - row; from <= i + row; from += row) {
        sum += before[from - image.channels] + before[from] + before[from + image.channels];
      }
      // To the nearest; 13 is odd, so that there are no ties.
      blend(i, (2 * sum + 13) / 26);
    }
  }
}

}  // namespace

void change_colours(const Change& change, uint8_t* bytes, int64_t height, int64_t width, int64_t channels,
                    uint8_t* scratch) {
  const Image image{bytes, height, width, channels};
  const auto factor = static_cast<float>(change.amount), rest = static_cast<float>(1.0 - change.amount);
  switch (change.kind) {
    case ChangeKind::brightness:
      scale_bytes(bytes, image.size(), factor, 0.0f);
      break;
    case ChangeKind::contrast:
      contrast(image, factor, rest);
      break;
    case ChangeKind::saturation:
      if (channels == 3) blend_with_grey(bytes, image.pixels(), factor, rest);
      break;
    case ChangeKind::hue:
      if (channels == 3) turn_hue(bytes, image.pixels(), factor);
      break;
    case ChangeKind::grey:
      if (channels == 3) to_grey(bytes, image.pixels());
      break;
    case ChangeKind::sharpness:
      sharpness(image, factor, rest, scratch);
      break;
    case ChangeKind::posterize: {
      const auto kept = static_cast<uint8_t>(0xFF00 >> static_cast<int>(change.amount));
      for (int64_t i = 0; i < image.size(); ++i) bytes[i] &= kept;
      break;
    }
    case ChangeKind::solarize:
      for (int64_t i = 0; i < image.size(); ++i) {
        if (static_cast<float>(bytes[i]) >= factor) bytes[i] = static_cast<uint8_t>(255 - bytes[i]);
      }
      break;
    case ChangeKind::autocontrast:
      by_tables(image, [&](int64_t c) { return autocontrast_of(image, c); });
      break;
    case ChangeKind::equalize:
      by_tables(image, [&](int64_t c) { return equalize_of(image, c); });
      break;
    case ChangeKind::flip:
    case ChangeKind::shift:
    case ChangeKind::affine:
      break;
  }
}

}  // namespace frugal

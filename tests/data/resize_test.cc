// The resize against Pillow's, to the bit, against the filter written down as a double sum, and its laws.
#include "data/resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "../temp_dir.h"
#include "base/philox.h"

namespace frugal {
namespace {

Image noise(int64_t height, int64_t width, int64_t channels, uint64_t seed) {
  Image image{height, width, channels, {}};
  const RandomStream random(seed, Purpose::test);
  for (int64_t i = 0; i < height * width * channels; ++i) {
    image.pixels.push_back(static_cast<uint8_t>(random.word(0, static_cast<uint32_t>(i)) >> 24));
  }
  return image;
}

TEST(Resize, EqualsPillowToTheBit) {
  const auto golden = nlohmann::json::parse(get(FRUGAL_SOURCE_DIR "/tests/goldens/data/resize.json"));
  ASSERT_EQ(golden["cases"].size(), 30u);
  for (const auto& k : golden["cases"]) {
    SCOPED_TRACE(k["from"].dump() + " to " + k["to"].dump());
    Image image = noise(k["from"][0], k["from"][1], k["from"][2], k["seed"]);
    if (k["steps"].get<bool>()) {
      for (uint8_t& pixel : image.pixels) pixel = pixel > 127 ? 255 : 0;
    }
    const auto hex = k["pixels"].get<std::string>();
    std::vector<uint8_t> expected;
    for (size_t i = 0; i < hex.size(); i += 2) {
      expected.push_back(static_cast<uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    }
    EXPECT_EQ(resize(image, k["to"][0], k["to"][1]).pixels, expected);
  }
}

double triangle(int64_t source, int64_t target, int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double distance = static_cast<double>(source) + 0.5 - (static_cast<double>(target) + 0.5) * scale;
  return std::max(0.0, 1 - std::abs(distance) / std::max(1.0, scale));
}

double naive(const Image& image, int64_t y, int64_t x, int64_t c, int64_t height, int64_t width) {
  double sum = 0, weights = 0;
  for (int64_t v = 0; v < image.height; ++v) {
    for (int64_t u = 0; u < image.width; ++u) {
      const double weight = triangle(v, y, image.height, height) * triangle(u, x, image.width, width);
      sum += weight * image.pixels[static_cast<size_t>((v * image.width + u) * image.channels + c)];
      weights += weight;
    }
  }
  return sum / weights;
}

TEST(Resize, EqualsTheNaiveFilter) {
  struct Case {
    int64_t h, w, c, to_h, to_w;
  };
  for (const Case& k : {Case{50, 37, 3, 32, 32},
                        {7, 5, 1, 32, 16},
                        {1, 1, 3, 4, 4},
                        {64, 3, 1, 3, 64},
                        {33, 32, 3, 32, 31}}) {
    const Image image = noise(k.h, k.w, k.c, 3);
    const Image small = resize(image, k.to_h, k.to_w);
    ASSERT_EQ(small.pixels.size(), static_cast<size_t>(k.to_h * k.to_w * k.c));
    for (int64_t y = 0; y < k.to_h; ++y) {
      for (int64_t x = 0; x < k.to_w; ++x) {
        for (int64_t c = 0; c < k.c; ++c) {
          const double got = small.pixels[static_cast<size_t>((y * k.to_w + x) * k.c + c)];
          ASSERT_NEAR(got, naive(image, y, x, c, k.to_h, k.to_w), 1.01) << y << " " << x << " " << c;
        }
      }
    }
  }
}

TEST(Resize, SameSizeIsTheIdentity) {
  const Image image = noise(32, 20, 3, 4);
  EXPECT_EQ(resize(image, 32, 20).pixels, image.pixels);
}

TEST(Resize, AConstantStaysConstant) {
  for (int value : {0, 1, 127, 254, 255}) {
    Image image{41, 23, 3, std::vector<uint8_t>(41 * 23 * 3, static_cast<uint8_t>(value))};
    for (uint8_t pixel : resize(image, 8, 64).pixels) ASSERT_EQ(pixel, value);
  }
}

TEST(Fit, CropsThenResizes) {
  for (const auto& [h, w] : {std::pair{50, 37}, {20, 90}, {64, 64}, {3, 2}}) {
    const Image image = noise(h, w, 3, 5);
    std::vector<uint8_t> fitted(24 * 32 * 3);
    fit(image, 24, 32, fitted.data());
    EXPECT_EQ(fitted, resize(crop_to_proportions(image, 24, 32), 24, 32).pixels);
  }
}

TEST(Crop, TakesTheMiddleInTheRightProportions) {
  Image wide{2, 6, 1, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}};
  const Image square = crop_to_proportions(wide, 32, 32);
  EXPECT_EQ(square.height, 2);
  EXPECT_EQ(square.width, 2);
  EXPECT_EQ(square.pixels, (std::vector<uint8_t>{2, 3, 8, 9}));
  const Image sliver = crop_to_proportions(Image{1, 5000, 1, std::vector<uint8_t>(5000)}, 64, 2);
  EXPECT_EQ(sliver.height * sliver.width, 1);
  EXPECT_EQ(crop_to_proportions(noise(5, 7, 3, 1), 5, 7).pixels, noise(5, 7, 3, 1).pixels);
}

}  // namespace
}  // namespace frugal

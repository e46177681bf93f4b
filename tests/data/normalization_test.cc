#include <gtest/gtest.h>

#include "base/error.h"
#include "data/dataset.h"

namespace frugal {
namespace {

ImageSet two_pixels(std::vector<uint8_t> pixels, int64_t channels) {
  ImageSet images;
  images.count = 1;
  images.height = 1;
  images.channels = channels;
  images.width = static_cast<int64_t>(pixels.size()) / channels;
  images.pixels = std::move(pixels);
  return images;
}

TEST(Normalization, IsOfThePopulationByChannel) {
  const Normalization n = measure_normalization(two_pixels({0, 10, 255, 20}, 2));
  EXPECT_EQ(n.mean[0], 0.5f);
  EXPECT_EQ(n.std[0], 0.5f);
  EXPECT_EQ(n.mean[1], static_cast<float>(15.0 / 255));
  EXPECT_EQ(n.std[1], static_cast<float>(5.0 / 255));
}

TEST(Normalization, OfOneColourDividesByOne) {
  const Normalization n = measure_normalization(two_pixels({51, 51, 51}, 1));
  EXPECT_EQ(n.mean[0], 0.2f);
  EXPECT_EQ(n.std[0], 1.0f);
}

TEST(Normalization, LosesNothingOverManyPixels) {
  // A spread of a 255th in a million pixels, where sums of squares in floats would be noise.
  std::vector<uint8_t> pixels(2000000, 254);
  for (size_t i = 0; i < pixels.size(); i += 2) pixels[i] = 255;
  EXPECT_EQ(measure_normalization(two_pixels(std::move(pixels), 1)).std[0], static_cast<float>(0.5 / 255));
}

TEST(Normalization, None) {
  const Normalization n = no_normalization(3);
  EXPECT_EQ(n.mean, std::vector<float>(3, 0.0f));
  EXPECT_EQ(n.std, std::vector<float>(3, 1.0f));
  EXPECT_EQ(measure_normalization(ImageSet{}).mean.size(), 0u);
}

TEST(Normalization, IsChosenByText) {
  ImageSet images;
  images.count = 1;
  images.height = images.width = 1;
  images.channels = 3;
  images.pixels = {51, 102, 255};
  EXPECT_FLOAT_EQ(choose_normalization("auto", images).mean[1], 0.4f);
  EXPECT_EQ(choose_normalization("none", images).std[2], 1.0f);
  const Normalization given = choose_normalization("given:mean=0.1|0.2|0.3,std=0.5", images);
  EXPECT_EQ(given.mean, (std::vector<float>{0.1f, 0.2f, 0.3f}));
  EXPECT_EQ(given.std, (std::vector<float>{0.5f, 0.5f, 0.5f}));
  EXPECT_THROW(choose_normalization("given:mean=0.1|0.2,std=0.5", images), Error);
  for (const char* text : {"maybe", "given", "given:mean=0.5", "given:mean=0.5,std=0", "given:mean=x,std=1",
                           "given:mean=0,std=1,scale=2", "none:1"}) {
    EXPECT_THROW(check_normalize(text), Error) << text;
  }
  for (const char* text : {"auto", "none", "given:mean=0.5,std=0.25"}) EXPECT_NO_THROW(check_normalize(text));
}

}  // namespace
}  // namespace frugal

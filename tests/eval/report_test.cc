#include "eval/report.h"

#include <gtest/gtest.h>

#include "data/image_file.h"

namespace frugal {
namespace {

std::vector<uint8_t> from_base64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<uint8_t> bytes;
  uint32_t word = 0;
  int bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    word = word << 6 | static_cast<uint32_t>(digits.find(c));
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<uint8_t>(word >> bits));
  }
  return bytes;
}

Image picture_of(const Mistake& mistake) {
  const std::string begin = "data:image/png;base64,";
  EXPECT_TRUE(mistake.png.starts_with(begin));
  return decode_png(from_base64(mistake.png.substr(begin.size())), 3, "the mistake");
}

ImageSet two_images(int64_t height, int64_t width) {
  ImageSet images;
  images.count = 2, images.height = height, images.width = width, images.channels = 3;
  images.pixels.assign(static_cast<size_t>(2 * height * width * 3), 77);
  images.labels = {0, 1};
  return images;
}

TEST(Report, MistakesAreSmallPicturesOfTheSameProportions) {
  const std::vector<float> logits = {0, 3, 0, 2};  // the first is wrong
  const std::vector<int32_t> ids = {0, 1};
  const auto mistakes = confident_mistakes(logits, two_images(100, 200), ids, 2, 5);
  ASSERT_EQ(mistakes.size(), 1u);
  EXPECT_EQ(mistakes[0].guesses[0].first, 1);
  const Image small = picture_of(mistakes[0]);
  EXPECT_EQ(small.height, 48);
  EXPECT_EQ(small.width, 96);
  EXPECT_EQ(small.pixels[0], 77);
  const Image whole = picture_of(confident_mistakes(logits, two_images(96, 32), ids, 2, 5).at(0));
  EXPECT_EQ(whole.height, 96);
  EXPECT_EQ(whole.width, 32);
}

}  // namespace
}  // namespace frugal

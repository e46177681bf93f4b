// EXIF's eight orientations, in JPEG and PNG files, and blocks that are broken.
#include "data/orientation.h"

#include <gtest/gtest.h>

#include "data/image_file.h"
#include "pictures.h"

namespace frugal {
namespace {

/// What each orientation makes of the stored rows "abc" and "def", from Exif 2.3: the tag says where the 0th
/// row and the 0th column of what is stored are to be seen.
struct Case {
  uint8_t orientation;
  int64_t height, width;
  const char* seen;
};
constexpr Case cases[] = {{1, 2, 3, "abcdef"}, {2, 2, 3, "cbafed"}, {3, 2, 3, "fedcba"}, {4, 2, 3, "defabc"},
                          {5, 3, 2, "adbecf"}, {6, 3, 2, "daebfc"}, {7, 3, 2, "fcebda"}, {8, 3, 2, "cfbead"}};

TEST(Orientation, AllEightAreTurnedUpright) {
  for (const Case& c : cases) {
    const Image image{2, 3, 1, {'a', 'b', 'c', 'd', 'e', 'f'}};
    const Image seen = upright(image, c.orientation);
    EXPECT_EQ(std::string(seen.pixels.begin(), seen.pixels.end()), c.seen) << int{c.orientation};
    EXPECT_EQ(seen.height, c.height);
    EXPECT_EQ(seen.width, c.width);
  }
}

TEST(Orientation, PngFilesAreTurned) {
  for (const Case& c : cases) {
    for (const bool big : {false, true}) {
      const Bytes png = make_png(3, 2, 8, PNG_COLOR_TYPE_GRAY, {'a', 'b', 'c', 'd', 'e', 'f'}, {}, {},
                                 make_exif(c.orientation, big));
      const Image seen = decode_image(png, 1, "x.png");
      EXPECT_EQ(std::string(seen.pixels.begin(), seen.pixels.end()), c.seen) << int{c.orientation};
      EXPECT_EQ(image_size(png, "x.png"), (ImageSize{c.height, c.width}));
    }
  }
}

TEST(Orientation, JpegFilesAreTurned) {
  const Image stored = decode_image(make_jpeg(48, 16, 3, JCS_RGB), 3, "x.jpg");
  for (const Case& c : cases) {
    for (const bool big : {false, true}) {
      const Bytes jpeg = make_jpeg(48, 16, 3, JCS_RGB, false, make_exif(c.orientation, big));
      EXPECT_EQ(decode_image(jpeg, 3, "x.jpg").pixels, upright(stored, c.orientation).pixels);
      EXPECT_EQ(image_size(jpeg, "x.jpg"), (ImageSize{16, 48}.turned(c.orientation >= 5)));
    }
  }
}

TEST(Orientation, BrokenBlocksSayNothing) {
  for (const bool big : {false, true}) {
    const Bytes whole = make_exif(6, big);
    EXPECT_EQ(exif_orientation(whole), 6);
    // Cut before the value, it states none; behind it, the rest does not matter.
    for (size_t length = 0; length < whole.size(); ++length) {
      EXPECT_EQ(exif_orientation(std::span(whole).first(length)), length < 32 ? 1 : 6) << length;
    }
    for (size_t i = 0; i < whole.size(); ++i) {
      for (int value = 0; value < 256; ++value) {
        Bytes damaged = whole;
        damaged[i] = static_cast<uint8_t>(value);
        const int orientation = exif_orientation(damaged);
        EXPECT_TRUE(orientation >= 1 && orientation <= 8);
      }
    }
  }
  for (const uint8_t value : {0, 9, 255}) EXPECT_EQ(exif_orientation(make_exif(value, true)), 1);
}

}  // namespace
}  // namespace frugal

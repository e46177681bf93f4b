// Pictures in and out of files: every PNG colour type, JPEG, and everything that must be refused by name.
#include "data/image_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "../temp_dir.h"
#include "base/error.h"
#include "pictures.h"

namespace frugal {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Png, WrittenAndReadBackIsTheSame) {
  const TempDir dir;
  Image image{3, 5, 3, {}};
  for (int i = 0; i < 45; ++i) image.pixels.push_back(static_cast<uint8_t>(i * 5));
  write_png(dir / "round.png", image);
  const Image back = read_image(dir / "round.png", 3);
  EXPECT_EQ(back.height, 3);
  EXPECT_EQ(back.width, 5);
  EXPECT_EQ(back.pixels, image.pixels);

  Image grey{2, 2, 1, {0, 10, 200, 255}};
  write_png(dir / "grey.png", grey);
  EXPECT_EQ(read_image(dir / "grey.png", 1).pixels, grey.pixels);
}

TEST(Png, EveryColourTypeBecomesRgb) {
  const auto rgb = [](const Bytes& png) { return decode_image(png, 3, "x").pixels; };
  EXPECT_EQ(rgb(make_png(2, 1, 8, PNG_COLOR_TYPE_RGB, {1, 2, 3, 250, 251, 252})),
            (Bytes{1, 2, 3, 250, 251, 252}));
  EXPECT_EQ(rgb(make_png(2, 1, 8, PNG_COLOR_TYPE_GRAY, {7, 200})), (Bytes{7, 7, 7, 200, 200, 200}));
  EXPECT_EQ(rgb(make_png(8, 1, 1, PNG_COLOR_TYPE_GRAY, {0x80}))[0], 255);
  EXPECT_EQ(rgb(make_png(8, 1, 1, PNG_COLOR_TYPE_GRAY, {0x80}))[3], 0);
  EXPECT_EQ(rgb(make_png(2, 1, 4, PNG_COLOR_TYPE_GRAY, {0xF0})), (Bytes{255, 255, 255, 0, 0, 0}));
  EXPECT_EQ(rgb(make_png(2, 1, 8, PNG_COLOR_TYPE_PALETTE, {1, 0}, {{9, 8, 7}, {1, 2, 3}})),
            (Bytes{1, 2, 3, 9, 8, 7}));
  EXPECT_EQ(rgb(make_png(2, 1, 16, PNG_COLOR_TYPE_RGB, {10, 10, 20, 20, 30, 30, 255, 255, 0, 0, 128, 128})),
            (Bytes{10, 20, 30, 255, 0, 128}));
  EXPECT_EQ(rgb(make_png(1, 1, 16, PNG_COLOR_TYPE_GRAY, {99, 99})), (Bytes{99, 99, 99}));
}

TEST(Png, WhatIsTransparentIsLaidOverWhite) {
  const auto rgb = [](const Bytes& png) { return decode_image(png, 3, "x").pixels; };
  EXPECT_EQ(rgb(make_png(2, 1, 8, PNG_COLOR_TYPE_RGBA, {1, 2, 3, 0, 1, 2, 3, 255})),
            (Bytes{255, 255, 255, 1, 2, 3}));
  EXPECT_EQ(rgb(make_png(2, 1, 8, PNG_COLOR_TYPE_GRAY_ALPHA, {5, 255, 5, 0})),
            (Bytes{5, 5, 5, 255, 255, 255}));
  EXPECT_EQ(rgb(make_png(1, 1, 8, PNG_COLOR_TYPE_PALETTE, {0}, {{9, 8, 7}}, {0})), (Bytes{255, 255, 255}));
}

// By the numbers as they are stored, not by light: Pillow's alpha_composite of black and white comes to this.
TEST(Png, WhatIsHalfTransparentIsMixed) {
  const auto rgb = [](const Bytes& png) { return decode_image(png, 3, "x").pixels; };
  EXPECT_EQ(rgb(make_png(2, 1, 8, PNG_COLOR_TYPE_RGBA, {0, 0, 0, 128, 255, 100, 0, 51})),
            (Bytes{127, 127, 127, 255, 224, 204}));
  EXPECT_EQ(rgb(make_png(2, 1, 8, PNG_COLOR_TYPE_GRAY_ALPHA, {0, 128, 100, 51})),
            (Bytes{127, 127, 127, 224, 224, 224}));
}

// Pillow's convert("L"), and what libjpeg yields of the same colours.
TEST(Png, ColoursBecomeGreyWhereTheModelIsGrey) {
  const auto grey = [](const Bytes& png) { return decode_image(png, 1, "x").pixels; };
  EXPECT_EQ(grey(make_png(4, 1, 8, PNG_COLOR_TYPE_RGB, {77, 77, 77, 255, 0, 0, 0, 0, 255, 100, 150, 200})),
            (Bytes{77, 76, 29, 141}));
  EXPECT_EQ(grey(make_png(2, 1, 8, PNG_COLOR_TYPE_RGBA, {0, 0, 255, 255, 0, 0, 255, 0})), (Bytes{29, 255}));
  EXPECT_EQ(grey(make_png(2, 1, 8, PNG_COLOR_TYPE_GRAY, {3, 200})), (Bytes{3, 200}));
}

TEST(Png, NoGammaIsApplied) {
  const Bytes plain = make_png(1, 1, 8, PNG_COLOR_TYPE_RGB, {100, 150, 200});
  Bytes claimed(plain.begin(), plain.begin() + 33);  // signature and IHDR
  // gAMA 1.0 with its checksum.
  const Bytes gamma{0, 0, 0, 4, 'g', 'A', 'M', 'A', 0, 1, 0x86, 0xA0, 0x31, 0xE8, 0x96, 0x5F};
  claimed.insert(claimed.end(), gamma.begin(), gamma.end());
  claimed.insert(claimed.end(), plain.begin() + 33, plain.end());
  EXPECT_EQ(decode_image(claimed, 3, "x").pixels, (Bytes{100, 150, 200}));
}

TEST(Png, TruncatedAndDamagedFilesAreErrorsWithTheirNames) {
  const Bytes whole = make_png(64, 64, 8, PNG_COLOR_TYPE_GRAY, Bytes(64 * 64, 3));
  for (size_t length : {8u, 20u, 40u, static_cast<unsigned>(whole.size() - 13)}) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<long>(length));
    EXPECT_THAT([&] { decode_image(part, 3, "cat.png"); },
                ThrowsMessage<Error>(HasSubstr("cat.png: broken PNG")));
  }
  Bytes flipped = whole;
  flipped[flipped.size() / 2] ^= 0xFF;
  EXPECT_THROW(decode_image(flipped, 3, "x"), Error);
}

TEST(Png, AClaimOfTerabytesIsRefusedBeforeMemoryIsTaken) {
  Bytes bomb = make_png(1, 1, 8, PNG_COLOR_TYPE_GRAY, {0});
  const Bytes huge = {0, 0x0F, 0xFF, 0xFF, 0, 0x0F, 0xFF, 0xFF};  // width and height
  std::copy(huge.begin(), huge.end(), bomb.begin() + 16);
  const auto crc = static_cast<uint32_t>([&] {  // of the IHDR chunk
    uint32_t c = 0xFFFFFFFFu;
    for (int i = 12; i < 29; ++i) {
      c ^= bomb[static_cast<size_t>(i)];
      for (int k = 0; k < 8; ++k) c = (c & 1u) ? 0xEDB88320u ^ (c >> 1) : c >> 1;
    }
    return ~c;
  }());
  for (size_t i = 0; i < 4; ++i) bomb[29 + i] = static_cast<uint8_t>(crc >> (24 - 8 * i));
  EXPECT_THROW(decode_image(bomb, 3, "x"), Error);
  EXPECT_THAT([] { check_image_size(100'000, 100'000, "big.png"); },
              ThrowsMessage<Error>(HasSubstr("megapixels")));
}

// Some cameras write zeros where a baseline scan says that it holds all coefficients; nothing is missing.
TEST(Jpeg, AnOddHeaderOfAScanIsHarmless) {
  const Bytes plain = make_jpeg(20, 10, 3, JCS_RGB);
  Bytes odd = plain;
  const Bytes scan{0xFF, 0xDA, 0, 12, 3};  // marker, length, components
  const auto found = std::search(odd.begin(), odd.end(), scan.begin(), scan.end());
  ASSERT_NE(found, odd.end());
  ASSERT_EQ(found[12], 63);
  found[12] = 0;
  EXPECT_EQ(decode_image(odd, 3, "x").pixels, decode_image(plain, 3, "x").pixels);
}

TEST(Jpeg, ColourGreyAndProgressive) {
  for (bool progressive : {false, true}) {
    const Image rgb = decode_image(make_jpeg(20, 10, 3, JCS_RGB, progressive), 3, "x");
    EXPECT_EQ(rgb.height, 10);
    EXPECT_EQ(rgb.width, 20);
    EXPECT_NEAR(rgb.pixels[0], 100, 4);
    EXPECT_NEAR(rgb.pixels[1], 140, 4);
    EXPECT_NEAR(rgb.pixels[2], 180, 4);
  }
  const Image grey_as_rgb = decode_image(make_jpeg(8, 8, 1, JCS_GRAYSCALE), 3, "x");
  EXPECT_NEAR(grey_as_rgb.pixels[0], 100, 3);
  EXPECT_EQ(grey_as_rgb.pixels[0], grey_as_rgb.pixels[2]);
  EXPECT_EQ(decode_image(make_jpeg(8, 8, 3, JCS_RGB), 1, "x").pixels.size(), 64u);
}

TEST(Jpeg, CmykIsRefusedByName) {
  EXPECT_THAT([] { decode_image(make_jpeg(8, 8, 4, JCS_CMYK), 3, "poster.jpg"); },
              ThrowsMessage<Error>(testing::AllOf(HasSubstr("poster.jpg"), HasSubstr("CMYK"))));
}

TEST(Jpeg, TruncatedIsAnErrorNotHalfAGreyPicture) {
  const Bytes whole = make_jpeg(200, 200, 3, JCS_RGB);
  for (size_t length : {size_t{4}, whole.size() / 4, whole.size() / 2, whole.size() - 40}) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<long>(length));
    EXPECT_THAT([&] { decode_image(part, 3, "dog.jpg"); },
                ThrowsMessage<Error>(HasSubstr("dog.jpg: broken JPEG")));
  }
}

TEST(ImageFile, EveryDamagedByteIsHandledSomehow) {
  for (const Bytes& whole :
       {make_jpeg(24, 24, 3, JCS_RGB, true), make_png(9, 9, 8, PNG_COLOR_TYPE_RGB, Bytes(243, 9))}) {
    for (size_t i = 0; i < whole.size(); ++i) {
      Bytes damaged = whole;
      damaged[i] ^= static_cast<uint8_t>(1u << (i % 8));
      try {
        decode_image(damaged, 3, "x");
      } catch (const Error&) {
      }
    }
  }
}

TEST(ImageFile, OtherFormatsAndMissingFilesAreNamed) {
  const auto refuse = [](const Bytes& bytes) { return [bytes] { decode_image(bytes, 3, "f"); }; };
  EXPECT_THAT(refuse({}), ThrowsMessage<Error>(HasSubstr("f: the file is empty")));
  EXPECT_THAT(refuse({'G', 'I', 'F', '8', '9', 'a'}), ThrowsMessage<Error>(HasSubstr("GIF")));
  EXPECT_THAT(refuse({'h', 'i'}), ThrowsMessage<Error>(HasSubstr("neither a PNG nor a JPEG")));
  EXPECT_THAT([] { read_image("no/such/file.png", 3); }, ThrowsMessage<Error>(HasSubstr("no/such/file.png")));
}

}  // namespace
}  // namespace frugal

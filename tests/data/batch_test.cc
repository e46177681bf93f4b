#include "data/batch.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/philox.h"
#include "data/draw.h"
#include "data/resize.h"

namespace frugal {
namespace {

ImageSet random_images(int64_t count, int64_t height, int64_t width, int64_t channels) {
  ImageSet images;
  images.count = count;
  images.height = height;
  images.width = width;
  images.channels = channels;
  images.pixels.resize(static_cast<size_t>(count * images.image_bytes()));
  const RandomStream stream(11, Purpose::test);
  // Never zero, so that black is told from everything else.
  for (size_t i = 0; i < images.pixels.size(); ++i) {
    images.pixels[i] = static_cast<uint8_t>(1 + uniform_below(stream.word(0, static_cast<uint32_t>(i)), 255));
  }
  return images;
}

Normalization some_normalization(int64_t channels) {
  Normalization result;
  for (int64_t c = 0; c < channels; ++c) {
    result.mean.push_back(0.5f - 0.1f * static_cast<float>(c));
    result.std.push_back(0.25f + 0.01f * static_cast<float>(c));
  }
  return result;
}

std::vector<int32_t> iota(int64_t count) {
  std::vector<int32_t> ids(static_cast<size_t>(count));
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

std::vector<float> fill(const ImageSet& images, std::span<const int32_t> ids, uint32_t draw,
                        const BatchRecipe& recipe) {
  std::vector<float> out(ids.size() * static_cast<size_t>(images.image_bytes()), -99.0f);
  fill_batch(
      images, ids, draw, recipe,
      TensorView::dense(out.data(), DType::f32,
                        {static_cast<int64_t>(ids.size()), images.height, images.width, images.channels}));
  return out;
}

/// One image as someone would write it who has all day: every change makes a new image.
std::vector<uint8_t> naive_augment(const ImageSet& images, int64_t id, const BatchRecipe& recipe,
                                   uint32_t draw) {
  const int64_t h = images.height, w = images.width, channels = images.channels;
  std::vector<uint8_t> image(images.image(id), images.image(id) + images.image_bytes());
  Changes changes;
  draw_changes(recipe.augment, {recipe.seed, recipe.epoch, draw, static_cast<int32_t>(id)}, h, w, changes);
  for (const Change& change : changes.list) {
    const bool flipped = change.kind == ChangeKind::flip;
    std::vector<uint8_t> next(image.size(), 0);
    for (int64_t y = 0; y < h; ++y) {
      for (int64_t x = 0; x < w; ++x) {
        int64_t from_y = y + change.down, from_x = flipped ? w - 1 - x : x + change.right;
        if (change.padding == Padding::edge) {
          from_y = std::clamp<int64_t>(from_y, 0, h - 1);
          from_x = std::clamp<int64_t>(from_x, 0, w - 1);
        }
        if (from_y < 0 || from_y >= h || from_x < 0 || from_x >= w) continue;
        for (int64_t c = 0; c < channels; ++c) {
          next[static_cast<size_t>((y * w + x) * channels + c)] =
              image[static_cast<size_t>((from_y * w + from_x) * channels + c)];
        }
      }
    }
    image = next;
  }
  return image;
}

float expected(uint8_t pixel, const Normalization& n, int64_t c) {
  return (static_cast<float>(pixel) / 255.0f - n.mean[static_cast<size_t>(c)]) /
         n.std[static_cast<size_t>(c)];
}

TEST(Batch, WithoutNormalizationIsPyTorchsToTensor) {
  ImageSet images = random_images(1, 16, 16, 1);
  std::iota(images.pixels.begin(), images.pixels.end(), uint8_t{0});
  const auto out = fill(images, iota(1), 0, {.normalization = no_normalization(1)});
  for (size_t value = 0; value < 256; ++value) EXPECT_EQ(out[value], static_cast<float>(value) / 255.0f);
}

TEST(Batch, GathersAndNormalisesByChannel) {
  const ImageSet images = random_images(5, 4, 6, 3);
  const BatchRecipe recipe{.normalization = some_normalization(3)};
  const std::vector<int32_t> ids{3, 0, 3};
  const auto out = fill(images, ids, 0, recipe);
  for (size_t i = 0; i < out.size(); ++i) {
    const auto inside = static_cast<int64_t>(i) % images.image_bytes();
    const uint8_t pixel = images.image(ids[i / static_cast<size_t>(images.image_bytes())])[inside];
    ASSERT_EQ(out[i], expected(pixel, recipe.normalization, inside % 3)) << i;
  }
}

RC_GTEST_PROP(Batch, IsTheNaiveOne, (uint64_t seed, uint32_t epoch)) {
  const auto height = *rc::gen::inRange<int64_t>(1, 12), width = *rc::gen::inRange<int64_t>(1, 12);
  const auto channels = *rc::gen::inRange<int64_t>(1, 5);
  const auto first_draw = *rc::gen::arbitrary<uint32_t>();
  const auto kinds =
      *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 15));  // 0 flips, n shifts by up to n
  const ImageSet images = random_images(3, height, width, channels);
  BatchRecipe recipe{.normalization = some_normalization(channels), .seed = seed, .epoch = epoch};
  for (int kind : kinds) {
    const std::string pixels = std::to_string(kind);
    const auto entry = parse_augment(kind == 0       ? "flip"
                                     : kind % 2 == 0 ? "crop:" + pixels
                                                     : "crop:" + pixels + ",pad=edge");
    recipe.augment.push_back(entry[0]);
  }
  const auto out = fill(images, iota(3), first_draw, recipe);
  for (uint32_t i = 0; i < 3; ++i) {
    const auto image = naive_augment(images, i, recipe, first_draw + i);
    for (size_t k = 0; k < image.size(); ++k) {
      RC_ASSERT(out[i * image.size() + k] ==
                expected(image[k], recipe.normalization, static_cast<int64_t>(k) % channels));
    }
  }
}

TEST(Batch, ADrawDependsOnNothingButItsKey) {
  const ImageSet images = random_images(20, 8, 8, 3);
  const BatchRecipe recipe{
      .normalization = some_normalization(3), .augment = parse_augment("flip,crop:3"), .seed = 4, .epoch = 2};
  const auto ids = iota(20);
  const auto whole = fill(images, ids, 100, recipe);
  auto pieces = fill(images, std::span(ids).first(7), 100, recipe);
  const auto rest = fill(images, std::span(ids).subspan(7), 107, recipe);
  pieces.insert(pieces.end(), rest.begin(), rest.end());
  EXPECT_EQ(whole, pieces);

  for (auto change :
       {+[](BatchRecipe&r, uint32_t&) { ++r.seed; }, +[](BatchRecipe&r, uint32_t&) { ++r.epoch; },
        +[](BatchRecipe&, uint32_t&draw) { ++draw; }}) {
    BatchRecipe other = recipe;
    uint32_t draw = 100;
    change(other, draw);
    EXPECT_NE(whole, fill(images, ids, draw, other));
  }
}

TEST(Batch, Bf16IsTheRoundedFloat) {
  const ImageSet images = random_images(9, 7, 5, 3);
  const BatchRecipe recipe{
      .normalization = some_normalization(3), .augment = parse_augment("crop:2,flip"), .seed = 1};
  const auto floats = fill(images, iota(9), 0, recipe);
  std::vector<uint16_t> halves(floats.size());
  fill_batch(images, iota(9), 0, recipe, TensorView::dense(halves.data(), DType::bf16, {9, 7, 5, 3}));
  for (size_t i = 0; i < floats.size(); ++i) ASSERT_EQ(halves[i], to_bf16(floats[i])) << i;
}

TEST(Batch, AnyStridesAndNothingBetween) {
  const ImageSet images = random_images(3, 4, 5, 3);
  const BatchRecipe recipe{
      .normalization = some_normalization(3), .augment = parse_augment("flip,crop:2"), .seed = 1};
  const auto dense = fill(images, iota(3), 5, recipe);
  constexpr int64_t pixel = 8, row = 5 * pixel + 3, image = 4 * row + 7;
  std::vector<float> out(3 * image, -99.0f);
  fill_batch(images, iota(3), 5, recipe, {out.data(), DType::f32, {3, 4, 5, 3}, {image, row, pixel, 1}});
  size_t written = 0;
  for (int64_t n = 0; n < 3; ++n) {
    for (int64_t y = 0; y < 4; ++y) {
      for (int64_t x = 0; x < 5; ++x) {
        for (int64_t c = 0; c < 3; ++c) {
          float& value = out[static_cast<size_t>(n * image + y * row + x * pixel + c)];
          EXPECT_EQ(value, dense[written++]);
          value = -99.0f;
        }
      }
    }
  }
  EXPECT_EQ(std::ranges::count(out, -99.0f), std::ssize(out));
}

TEST(Batch, CallersMistakesAreErrors) {
  const ImageSet images = random_images(3, 4, 4, 3);
  const BatchRecipe recipe{.normalization = no_normalization(3)};
  std::vector<float> out(3 * 48);
  const auto view = TensorView::dense(out.data(), DType::f32, {1, 4, 4, 3});
  const auto run = [&](int32_t id, const BatchRecipe& r, const TensorView& v) {
    fill_batch(images, std::span(&id, 1), 0, r, v);
  };
  EXPECT_NO_THROW(run(2, recipe, view));
  EXPECT_THROW(run(3, recipe, view), Error);
  EXPECT_THROW(run(-1, recipe, view), Error);
  EXPECT_THROW(run(0, {.normalization = no_normalization(1)}, view), Error);
  EXPECT_THROW(run(0, recipe, TensorView::dense(out.data(), DType::u8, {1, 4, 4, 3})), Error);
  EXPECT_THROW(run(0, recipe, TensorView::dense(out.data(), DType::f32, {2, 4, 4, 3})), Error);
  EXPECT_THROW(run(0, recipe, TensorView::dense(out.data(), DType::f32, {1, 0, 4, 3})), Error);
  EXPECT_THROW(run(0, recipe, {out.data(), DType::f32, {1, 4, 4, 3}, {48, 12, 1, 4}}), Error);
  EXPECT_THROW(run(0, {.normalization = no_normalization(3), .augment = parse_augment("mixup")}, view),
               Error);
  EXPECT_NO_THROW(fill_batch(images, {}, 0, recipe, TensorView::dense(nullptr, DType::f32, {0, 4, 4, 3})));
}

TEST(Batch, WhatIsErasedIsZeroAfterNormalisation) {
  const ImageSet images = random_images(4, 16, 16, 3);
  const BatchRecipe plain{
      .normalization = some_normalization(3), .augment = parse_augment("crop:4"), .seed = 1};
  BatchRecipe cut = plain;
  cut.augment = parse_augment("crop:4,cutout:6");
  const auto before = fill(images, iota(4), 0, plain), after = fill(images, iota(4), 0, cut);
  for (uint32_t n = 0; n < 4; ++n) {
    Changes changes;
    draw_changes(cut.augment, {1, 0, n, static_cast<int32_t>(n)}, 16, 16, changes);
    const Rectangle box = changes.erased.at(0);
    for (int64_t i = 0; i < 16 * 16 * 3; ++i) {
      const int64_t y = i / 48, x = i / 3 % 16;
      const bool inside =
          y >= box.top && y < box.top + box.height && x >= box.left && x < box.left + box.width;
      const size_t at = n * 768 + static_cast<size_t>(i);
      ASSERT_EQ(after[at], inside ? 0.0f : before[at]);
    }
  }
}

TEST(Batch, EveryListIsAlikeInAnyPieces) {
  const ImageSet images = random_images(24, 12, 10, 3);
  const auto ids = iota(24);
  for (const char* list :
       {"altflip,translate:3", "jitter:0.4|0.4|0.4|0.1,flip", "rotate:20,cutout:4", "randaugment",
        "trivial,erase:1", "flip,mixup:0.5,cutmix", "grey:0.5,crop:2,pad=edge,hue:0.2"}) {
    BatchRecipe recipe{
        .normalization = some_normalization(3), .augment = parse_augment(list), .seed = 9, .epoch = 1};
    recipe.order = ids;
    const auto whole = fill(images, ids, 0, recipe);
    std::vector<float> pieces;
    for (size_t first = 0; first < 24; first += 5) {
      const auto part = std::span(ids).subspan(first, std::min<size_t>(5, 24 - first));
      const auto piece = fill(images, part, static_cast<uint32_t>(first), recipe);
      pieces.insert(pieces.end(), piece.begin(), piece.end());
    }
    EXPECT_EQ(whole, pieces) << list;
  }
}

TEST(Batch, OtherSizesAreResizedAfterTheChanges) {
  const ImageSet images = random_images(6, 12, 10, 3);
  const auto ids = iota(6);
  const auto at = [&](const BatchRecipe& recipe, int64_t height, int64_t width) {
    std::vector<float> out(static_cast<size_t>(6 * height * width * 3));
    fill_batch(images, ids, 0, recipe, TensorView::dense(out.data(), DType::f32, {6, height, width, 3}));
    return out;
  };
  const BatchRecipe recipe{
      .normalization = no_normalization(3), .augment = parse_augment("flip,crop:2"), .seed = 2};
  const auto whole = at(recipe, 12, 10), small = at(recipe, 7, 5);
  for (size_t n = 0; n < 6; ++n) {
    std::vector<uint8_t> pixels(360), expected_pixels(105);
    for (size_t i = 0; i < 360; ++i) pixels[i] = static_cast<uint8_t>(std::lround(whole[n * 360 + i] * 255));
    resize_pixels(pixels.data(), 12, 10, 3, 7, 5, expected_pixels.data());
    for (size_t i = 0; i < 105; ++i) {
      ASSERT_EQ(small[n * 105 + i], static_cast<float>(expected_pixels[i]) / 255.0f);
    }
  }
  // What is erased keeps its place.
  BatchRecipe cut = recipe;
  cut.augment = parse_augment("cutout:4");
  cut.normalization = {{0.501f, 0.502f, 0.503f}, {0.3f, 0.3f, 0.3f}};  // no pixel becomes zero
  const auto erased = at(cut, 24, 20);
  for (uint32_t n = 0; n < 6; ++n) {
    Changes changes;
    draw_changes(cut.augment, {2, 0, n, static_cast<int32_t>(n)}, 12, 10, changes);
    const Rectangle box = changes.erased.at(0);
    const auto zeros = std::ranges::count(std::span(erased).subspan(n * 1440, 1440), 0.0f);
    EXPECT_EQ(zeros, 2 * box.height * 2 * box.width * 3);
    EXPECT_EQ(erased[static_cast<size_t>(n * 1440 + (2 * box.top * 20 + 2 * box.left) * 3)], 0.0f);
  }
}

}  // namespace
}  // namespace frugal

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
#include "data/placement.h"

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

/// One image as someone would write it who has all day: every transformation makes a new image.
std::vector<uint8_t> naive_augment(const ImageSet& images, int64_t id, const BatchRecipe& recipe,
                                   uint32_t draw) {
  const int64_t h = images.height, w = images.width, channels = images.channels;
  std::vector<uint8_t> image(images.image(id), images.image(id) + images.image_bytes());
  for (size_t i = 0; i < recipe.augment.size(); ++i) {
    const auto words =
        RandomStream(recipe.seed, Purpose::augment, static_cast<uint32_t>(i), recipe.epoch).block(draw, 0);
    const int64_t p = recipe.augment[i].padding;
    const bool flip = recipe.augment[i].kind == AugmentKind::flip;
    const bool flipped = flip && uniform_below(words[0], 2) == 1;
    const int64_t top = flip ? 0 : uniform_below(words[0], static_cast<uint32_t>(2 * p + 1)) - p;
    const int64_t left = flip ? 0 : uniform_below(words[1], static_cast<uint32_t>(2 * p + 1)) - p;
    std::vector<uint8_t> next(image.size(), 0);
    for (int64_t y = 0; y < h; ++y) {
      for (int64_t x = 0; x < w; ++x) {
        const int64_t from_y = y + top, from_x = flipped ? w - 1 - x : x + left;
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
  const auto kinds = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 15));  // 0 flips, n pads by n
  const ImageSet images = random_images(3, height, width, channels);
  BatchRecipe recipe{.normalization = some_normalization(channels), .seed = seed, .epoch = epoch};
  for (int kind : kinds) recipe.augment.push_back({kind == 0 ? AugmentKind::flip : AugmentKind::crop, kind});
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
  EXPECT_THROW(run(0, recipe, {out.data(), DType::f32, {1, 4, 4, 3}, {48, 12, 1, 4}}), Error);
  EXPECT_NO_THROW(fill_batch(images, {}, 0, recipe, TensorView::dense(nullptr, DType::f32, {0, 4, 4, 3})));
}

TEST(Placement, FlipsHalfAndCropsEverywhereAlike) {
  constexpr int draws = 40000, padding = 2, places = 25;
  int flips = 0;
  std::map<std::pair<int64_t, int64_t>, int> counts;
  for (uint32_t draw = 0; draw < draws; ++draw) {
    const auto flip = parse_augment("flip"), crop = parse_augment("crop:2");
    flips += place(flip, 1, 0, draw, 32, 32).x.sign < 0;
    const Placement at = place(crop, 1, 0, draw, 32, 32);
    ++counts[{at.y.offset, at.x.offset}];
  }
  EXPECT_NEAR(flips, 0.5 * draws, 4 * 100);  // four standard deviations
  EXPECT_EQ(counts.size(), size_t{places});
  const double expected = static_cast<double>(draws) / places;
  double chi2 = 0;
  for (const auto& [offset, count] : counts) {
    EXPECT_LE(std::abs(offset.first), padding);
    EXPECT_LE(std::abs(offset.second), padding);
    chi2 += std::pow(count - expected, 2) / expected;
  }
  EXPECT_LT(chi2, 24 + 5 * std::sqrt(2 * 24));
}

TEST(Placement, TransformationsDrawIndependently) {
  const auto twice = parse_augment("flip,flip");
  int flips = 0;
  for (uint32_t draw = 0; draw < 10000; ++draw) flips += place(twice, 1, 0, draw, 8, 8).x.sign < 0;
  EXPECT_NEAR(flips, 5000, 200);
}

}  // namespace
}  // namespace frugal

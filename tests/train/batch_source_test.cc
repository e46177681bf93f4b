// What the engine is handed: images with the labels that belong to them, mixed alike.
#include "train/batch_source.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "data/mix.h"

namespace frugal {
namespace {

constexpr int64_t count = 64, size = 8, classes = 16;

/// Image i is of one colour, 3 i, and of class i % 16.
ImageSet plain_images() {
  ImageSet images;
  images.count = count;
  images.height = images.width = size;
  images.channels = 1;
  for (int64_t i = 0; i < count; ++i) {
    images.pixels.insert(images.pixels.end(), size * size, static_cast<uint8_t>(3 * i));
    images.labels.push_back(static_cast<int32_t>(i % classes));
  }
  return images;
}

std::vector<int32_t> some_order() {
  std::vector<int32_t> order(count);
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int32_t>(i * 37 % count);
  return order;
}

BatchRecipe recipe(const char* augment) {
  return {.normalization = no_normalization(1), .augment = parse_augment(augment), .seed = 5};
}

TEST(DatasetBatch, LabelsAreHardUnlessImagesAreMixed) {
  const ImageSet images = plain_images();
  const auto order = some_order();
  DatasetBatch batch(images, recipe("flip"), classes);
  batch.set_epoch(0, order);
  batch.set(std::span(order).subspan(10, 5), 10);
  EXPECT_EQ(batch.targets(2).soft, nullptr);
  EXPECT_EQ(batch.targets(2).labels[0], order[12] % classes);
}

TEST(DatasetBatch, WeighsHardLabelsByTheirClass) {
  const ImageSet images = plain_images();
  const auto order = some_order();
  std::vector<double> weights(classes);
  for (size_t c = 0; c < weights.size(); ++c) weights[c] = 1 + static_cast<double>(c);
  DatasetBatch hard(images, recipe("none"), classes, weights),
      mixed(images, recipe("mixup"), classes, weights);
  for (DatasetBatch* batch : {&hard, &mixed}) batch->set_epoch(0, order);
  hard.set(std::span(order).first(3), 0);
  EXPECT_EQ(hard.weight(), 3 + order[0] % classes + order[1] % classes + order[2] % classes);
  mixed.set(std::span(order).first(3), 0);
  EXPECT_EQ(mixed.weight(), 3);  // as PyTorch of soft targets
}

void expect_mixed_alike(const char* augment) {
  const ImageSet images = plain_images();
  const auto order = some_order();
  DatasetBatch batch(images, recipe(augment), classes);
  batch.set_epoch(3, order);
  const std::span<const int32_t> ids = std::span(order).subspan(16, 32);
  batch.set(ids, 16);
  std::vector<float> pixels(32 * size * size);
  batch.fill(0, TensorView::dense(pixels.data(), DType::f32, {32, size, size, 1}));
  int mixed = 0;
  for (int64_t i = 0; i < 32; ++i) {
    const float* soft = batch.targets(i).soft;
    ASSERT_NE(soft, nullptr);
    EXPECT_NEAR(std::accumulate(soft, soft + classes, 0.0f), 1.0f, 1e-6f);
    const Mix mix = draw_mix(parse_augment(augment), 5, 3, static_cast<uint32_t>(16 + i), count, size, size);
    const auto own = ids[static_cast<size_t>(i)], other = order[mix.partner];
    // Images of one colour tell by their mean how much of each is in them, and labels must say the same.
    const float* image = pixels.data() + i * size * size;
    const float mean = std::accumulate(image, image + size * size, 0.0f) / (size * size);
    EXPECT_NEAR(mean,
                (mix.own * static_cast<float>(3 * own) + (1 - mix.own) * static_cast<float>(3 * other)) / 255,
                1e-5);
    if (own % classes != other % classes) {
      EXPECT_NEAR(soft[own % classes], mix.own, 1e-6f);
      EXPECT_NEAR(soft[other % classes], 1 - mix.own, 1e-6f);
    }
    mixed += mix.own < 0.99f;
  }
  EXPECT_GT(mixed, 10);
}

TEST(DatasetBatch, MixUpMixesLabelsAsImages) { expect_mixed_alike("mixup:1"); }
TEST(DatasetBatch, CutMixMixesLabelsAsImages) { expect_mixed_alike("cutmix:1"); }

TEST(DatasetBatch, APartnerIsAugmentedAsAtItsOwnPlace) {
  ImageSet images = plain_images();
  for (size_t i = 0; i < images.pixels.size(); ++i) images.pixels[i] = static_cast<uint8_t>(i * 89 % 251);
  const auto order = some_order();
  const auto pixels_of = [&](const char* augment) {
    DatasetBatch batch(images, recipe(augment), classes);
    batch.set_epoch(0, order);
    batch.set(order, 0);
    std::vector<float> pixels(count * size * size);
    batch.fill(0, TensorView::dense(pixels.data(), DType::f32, {count, size, size, 1}));
    return pixels;
  };
  const auto alone = pixels_of("flip,crop:2,cutout:3"), mixed = pixels_of("flip,crop:2,cutout:3,mixup:1");
  const auto list = parse_augment("flip,crop:2,cutout:3,mixup:1");
  for (int64_t i = 0; i < count; ++i) {
    const Mix mix = draw_mix(list, 5, 0, static_cast<uint32_t>(i), count, size, size);
    for (int64_t k = 0; k < size * size; ++k) {
      const float own = alone[static_cast<size_t>(i * size * size + k)];
      const float other = alone[static_cast<size_t>(mix.partner * size * size + k)];
      ASSERT_FLOAT_EQ(mixed[static_cast<size_t>(i * size * size + k)],
                      mix.own * own + (1.0f - mix.own) * other);
    }
  }
}

}  // namespace
}  // namespace frugal

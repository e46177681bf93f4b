// Eigenvectors, and the whitening stem that is made of them.
#include "train/whitening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "../temp_dir.h"
#include "base/error.h"
#include "base/philox.h"
#include "data/split.h"
#include "fake_engine.h"
#include "graph/builder.h"
#include "train/checkpoint.h"
#include "train/eigen.h"
#include "train/trainer.h"

namespace frugal {
namespace {

using testing::HasSubstr;

TEST(Eigen, OfASmallMatrix) {
  // Only the upper triangle counts.
  const Eigen eigen = symmetric_eigen({2, 1, -99, 2}, 2);
  ASSERT_EQ(eigen.values.size(), 2u);
  EXPECT_NEAR(eigen.values[0], 3, 1e-15);
  EXPECT_NEAR(eigen.values[1], 1, 1e-15);
  EXPECT_NEAR(eigen.vectors[0], std::sqrt(0.5), 1e-15);
  EXPECT_NEAR(eigen.vectors[1], std::sqrt(0.5), 1e-15);
  EXPECT_NEAR(std::abs(eigen.vectors[2]), std::sqrt(0.5), 1e-15);
  EXPECT_NEAR(eigen.vectors[2] + eigen.vectors[3], 0, 1e-15);
}

TEST(Eigen, PutsTheMatrixBackTogether) {
  for (const size_t n : {1u, 5u, 12u, 60u}) {
    const RandomStream random(1, Purpose::test, static_cast<uint32_t>(n));
    std::vector<double> a(n * n);
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = i; j < n; ++j) {
        a[i * n + j] = a[j * n + i] =
            uniform01(random.word(static_cast<uint32_t>(i), static_cast<uint32_t>(j))) - 0.5;
      }
    }
    const Eigen eigen = symmetric_eigen(a, static_cast<int64_t>(n));
    EXPECT_TRUE(std::ranges::is_sorted(eigen.values, std::greater()));
    double worst = 0;
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) {
        double back = 0, product = 0;
        for (size_t k = 0; k < n; ++k) {
          back += eigen.vectors[k * n + i] * eigen.values[k] * eigen.vectors[k * n + j];
          product += eigen.vectors[i * n + k] * eigen.vectors[j * n + k];
        }
        worst = std::max({worst, std::abs(back - a[i * n + j]), std::abs(product - (i == j ? 1 : 0))});
      }
    }
    EXPECT_LT(worst, 1e-13) << n;
  }
}

constexpr int64_t side = 9, channels = 3;

/// Smooth images whose channels go together, as those of photographs do.
ImageSet make_images(int64_t count) {
  ImageSet set{count, side, side, channels, {}, {}, {}};
  const RandomStream random(3, Purpose::test);
  for (int64_t n = 0; n < count; ++n) {
    set.labels.push_back(static_cast<int32_t>(n % 2));
    const auto noise = [&](int64_t y, int64_t x, int64_t c) {
      return uniform_below(random.word(static_cast<uint32_t>(n), static_cast<uint32_t>((y * 16 + x) * 4 + c)),
                           60);
    };
    for (int64_t y = 0; y < side; ++y) {
      for (int64_t x = 0; x < side; ++x) {
        for (int64_t c = 0; c < channels; ++c) {
          set.pixels.push_back(static_cast<uint8_t>(noise(y, x, 3) + noise(y + 1, x, 3) + noise(y, x + 1, 3) +
                                                    noise(y, x, c)));
        }
      }
    }
  }
  return set;
}

Graph stem_graph(int64_t filters, const ConvOptions& options) {
  GraphBuilder net("test", {side, side, channels});
  const Value x = net.conv2d("stem", net.input(), filters, options);
  return net.finish(net.linear("fc", net.flatten(x), 2));
}

/// E[y y^T] of the outputs of a convolution without padding.
std::vector<double> output_moments(const Node& conv, std::span<const float> weight, const ImageSet& images,
                                   const Normalization& normalization, size_t first, size_t count) {
  std::vector<double> sums(count * count), y(count);
  int64_t positions = 0;
  for (size_t n = 0; n < static_cast<size_t>(images.count); ++n) {
    const uint8_t* image = images.image(static_cast<int64_t>(n));
    for (int64_t py = 0; py + int64_t{conv.dilation.h} * (conv.kernel.h - 1) < side; ++py) {
      for (int64_t px = 0; px + int64_t{conv.dilation.w} * (conv.kernel.w - 1) < side; ++px) {
        for (size_t o = 0; o < count; ++o) {
          y[o] = 0;
          size_t k = (first + o) * static_cast<size_t>(channels * conv.kernel.h * conv.kernel.w);
          for (int64_t c = 0; c < channels; ++c) {
            const auto channel = static_cast<size_t>(c);
            for (int64_t dy = 0; dy < conv.kernel.h; ++dy) {
              for (int64_t dx = 0; dx < conv.kernel.w; ++dx) {
                const int64_t at =
                    ((py + dy * conv.dilation.h) * side + px + dx * conv.dilation.w) * channels + c;
                y[o] += weight[k++] * (image[at] / 255.0 - normalization.mean[channel]) /
                        normalization.std[channel];
              }
            }
          }
        }
        for (size_t i = 0; i < count; ++i) {
          for (size_t j = 0; j < count; ++j) sums[i * count + j] += y[i] * y[j];
        }
        ++positions;
      }
    }
  }
  for (double& sum : sums) sum /= static_cast<double>(positions);
  return sums;
}

std::vector<int32_t> all_of(const ImageSet& images) {
  std::vector<int32_t> ids(static_cast<size_t>(images.count));
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

TEST(Whitening, OutputsAreUncorrelatedAndOfOneSize) {
  const ImageSet images = make_images(200);
  const Normalization normalization = measure_normalization(images);
  for (const ConvOptions& options : {ConvOptions{.kernel = 2, .init = Init::whitening},
                                     ConvOptions{.kernel = {1, 3}, .dilation = 2, .init = Init::whitening}}) {
    const auto half = static_cast<size_t>(channels * options.kernel.h * options.kernel.w);
    const Graph graph = stem_graph(2 * static_cast<int64_t>(half), options);
    FakeEngine engine(graph);
    engine.parameters().initialise(1);
    whiten(engine, graph, images, all_of(images), normalization);
    EXPECT_EQ(engine.changes, 1);
    const std::span<const float> weight = engine.parameters().weight(0);
    const std::vector<double> moments =
        output_moments(graph.nodes[1], weight, images, normalization, 0, half);
    for (size_t i = 0; i < half; ++i) {
      for (size_t j = 0; j < half; ++j) {
        // On the diagonal l / (l + 5e-4), where no eigenvalue l of these images is below 0.025.
        EXPECT_NEAR(moments[i * half + j], i == j ? 1 : 0, i == j ? 0.02 : 2e-5) << i << " " << j;
      }
    }
    for (size_t i = 0; i < weight.size() / 2; ++i) EXPECT_EQ(weight[i], -weight[weight.size() / 2 + i]);
  }
}

TEST(Whitening, FewFiltersTakeTheLargestDirections) {
  const ImageSet images = make_images(50);
  const Normalization normalization = measure_normalization(images);
  const Graph all = stem_graph(24, {.kernel = 2, .init = Init::whitening});
  const Graph few = stem_graph(6, {.kernel = 2, .init = Init::whitening});
  FakeEngine a(all), b(few);
  whiten(a, all, images, all_of(images), normalization);
  whiten(b, few, images, all_of(images), normalization);
  const std::span<const float> whole = a.parameters().weight(0), part = b.parameters().weight(0);
  EXPECT_TRUE(std::ranges::equal(whole.first(3 * 12), part.first(3 * 12)));
  // The first filter sees what neighbours and channels share: all of one sign.
  EXPECT_TRUE(std::ranges::all_of(part.first(12), [](float w) { return w > 0; }));
}

TEST(Whitening, SeesTheFirstImagesOfTheSplitAlone) {
  ImageSet images = make_images(5100);
  const Normalization normalization = no_normalization(channels);
  const Graph graph = stem_graph(24, {.kernel = 2, .init = Init::whitening});
  std::vector<int32_t> ids = all_of(images);
  ids.erase(ids.begin(), ids.begin() + 20);  // held out for validation
  const auto weights = [&] {
    FakeEngine engine(graph);
    whiten(engine, graph, images, ids, normalization);
    const std::span<const float> weight = engine.parameters().weight(0);
    return std::vector<float>(weight.begin(), weight.end());
  };
  const std::vector<float> before = weights();
  const auto spoil = [&](int64_t image) {
    std::fill_n(images.pixels.begin() + image * images.image_bytes(), images.image_bytes(), uint8_t{255});
  };
  for (int64_t i = 0; i < 20; ++i) spoil(i);
  for (int64_t i = 5020; i < 5100; ++i) spoil(i);
  EXPECT_EQ(weights(), before);
  spoil(5019);
  EXPECT_NE(weights(), before);
}

TEST(Whitening, LeavesOtherNetworksAlone) {
  const Graph graph = stem_graph(24, {.kernel = 2});
  FakeEngine engine(graph);
  whiten(engine, graph, make_images(5), all_of(make_images(5)), no_normalization(channels));
  EXPECT_EQ(engine.changes, 0);
}

/// Flat images have no variance in most directions: the filters are large, but finite.
TEST(Whitening, EndsWithImagesThatAreAllAlike) {
  ImageSet images = make_images(5);
  std::ranges::fill(images.pixels, uint8_t{128});
  const Graph graph = stem_graph(24, {.kernel = 2, .init = Init::whitening});
  FakeEngine engine(graph);
  whiten(engine, graph, images, all_of(images), no_normalization(channels));
  for (const float w : engine.parameters().weight(0)) EXPECT_LE(std::abs(w), 1 / std::sqrt(5e-4));
}

TEST(Whitening, NamesTheLayerWhereItCannotBe) {
  const auto error_of = [](int64_t filters, const ConvOptions& options) -> std::string {
    try {
      stem_graph(filters, options);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(error_of(23, {.kernel = 2, .init = Init::whitening}),
            "stem: whitening makes filters and their negatives: an even number up to 24, not 23");
  EXPECT_THAT(error_of(26, {.kernel = 2, .init = Init::whitening}), HasSubstr("not 26"));
  EXPECT_THAT(error_of(6, {.kernel = 2, .groups = 3, .init = Init::whitening}), HasSubstr("groups"));
  EXPECT_THAT(error_of(6, {.kernel = 11, .padding = 1, .init = Init::whitening}),
              HasSubstr("fit into an image"));
  EXPECT_THAT(error_of(6, {.kernel = 14, .padding = 7, .init = Init::whitening}),
              HasSubstr("at most 512 numbers, not 588"));
  GraphBuilder net("test", {side, side, channels});
  const Value x = net.conv2d("first", net.input(), 4);
  try {
    net.conv2d("second", x, 4, {.kernel = 1, .init = Init::whitening});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("second: whitening is for"));
  }
}

/// A run computes the filters before its first step, of images that it trains on, and leaves them as they
/// are.
TEST(Whitening, ARunStartsWithIt) {
  Dataset data;
  data.name = "toy", data.classes = {"a", "b"};
  data.train = make_images(60), data.test = make_images(10);
  const Graph graph = stem_graph(24, {.kernel = 2, .init = Init::whitening, .trainable = false});
  FakeEngine engine(graph);
  TrainConfig config;
  config.epochs = 1, config.batch = 20, config.val = 0.3;
  TempDir out;
  TrainObserver observer;
  Graph flat = graph;
  flat.parameters[2].shape = {2, side * side * channels};  // FakeEngine hands it the images themselves
  FakeEngine runner(flat);
  train(runner, flat, config, data, out.path(), observer);
  const std::vector<int32_t> ids = split_indices(data.train.count, config.val, config.split_seed).train;
  whiten(engine, graph, data.train, ids, measure_normalization(data.train));
  const std::span<const float> expected = engine.parameters().weight(0);
  EXPECT_TRUE(std::ranges::equal(runner.parameters().weight(0), expected));
  Parameters saved(flat);
  load_checkpoint(out / "last.safetensors", saved);
  EXPECT_TRUE(std::ranges::equal(saved.weight(0), expected));
}

}  // namespace
}  // namespace frugal

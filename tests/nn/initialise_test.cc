// The laws of initialisation: means, deviations and whole distributions, orthogonality, filters that pass
// their channel on.
#include "nn/initialise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "base/error.h"
#include "graph/builder.h"
#include "nn/parameters.h"

namespace frugal {
namespace {

using testing::HasSubstr;

std::vector<float> draw(Init init, const std::vector<int64_t>& shape, float value = 0, uint64_t seed = 7,
                        uint32_t index = 3) {
  ParameterSpec spec{"layer.weight", shape, init, 1, value};
  for (size_t i = 1; i < shape.size(); ++i) spec.fan_in *= shape[i];
  std::vector<float> values(static_cast<size_t>(spec.elements()), -99.0f);
  initialise_parameter(spec, seed, index, values);
  return values;
}

/// Kolmogorov and Smirnov's largest distance between the values' distribution and `below`; for a right law
/// sqrt(n) times it is above 1.95 once in a thousand times.
double distance(std::vector<float> values, const std::function<double(double)>& below) {
  std::ranges::sort(values);
  const auto n = static_cast<double>(values.size());
  double worst = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double p = below(values[i]), rank = static_cast<double>(i);
    worst = std::max({worst, p - rank / n, (rank + 1) / n - p});
  }
  return worst * std::sqrt(n);
}

double normal_below(double z) { return std::erfc(-z / std::sqrt(2.0)) / 2; }

// PyTorch's fans of [64, 32, 3, 5]: 32 * 15 in, 64 * 15 out; 30,720 numbers.
const std::vector<int64_t> shape = {64, 32, 3, 5};
constexpr double fan_in = 32 * 15, fan_out = 64 * 15;

TEST(Initialise, NormalLaws) {
  const std::vector<std::pair<Init, double>> laws = {
      {Init::kaiming_normal, std::sqrt(2 / fan_in)},
      {Init::kaiming_normal_fan_out, std::sqrt(2 / fan_out)},
      {Init::xavier_normal, std::sqrt(2 / (fan_in + fan_out))},
      {Init::normal, 0.01},
  };
  for (const auto& [init, deviation] : laws) {
    const std::vector<float> values = draw(init, shape, 0.01f);
    // Captured by hand: clang 14 does not let a lambda refer to a structured binding.
    EXPECT_LT(distance(values, [&, s = deviation](double x) { return normal_below(x / s); }), 1.95)
        << init_name(init);
    double square = 0, largest = 0;
    for (const float v : values) square += static_cast<double>(v) * v, largest = std::max<double>(largest, v);
    const auto n = static_cast<double>(values.size());
    EXPECT_NEAR(square / n, deviation * deviation, 5 * deviation * deviation * std::sqrt(2 / n));
    EXPECT_GT(largest, 3.3 * deviation) << "a normal distribution has tails: " << init_name(init);
  }
}

TEST(Initialise, UniformLaws) {
  const std::vector<std::pair<Init, double>> laws = {
      {Init::uniform_fan_in, 1 / std::sqrt(fan_in)},
      {Init::kaiming_uniform, std::sqrt(6 / fan_in)},
      {Init::xavier_uniform, std::sqrt(6 / (fan_in + fan_out))},
  };
  for (const auto& [init, bound] : laws) {
    const std::vector<float> values = draw(init, shape);
    EXPECT_LT(distance(values, [b = bound](double x) { return (x / b + 1) / 2; }), 1.95) << init_name(init);
    EXPECT_LE(std::abs(*std::ranges::max_element(values)), bound * (1 + 1e-6));
    EXPECT_LE(std::abs(*std::ranges::min_element(values)), bound * (1 + 1e-6));
  }
}

TEST(Initialise, NeighboursAreNotAlike) {
  for (const Init init : {Init::kaiming_normal, Init::kaiming_uniform}) {
    const std::vector<float> a = draw(init, shape), b = draw(init, shape, 0, 7, 4),
                             c = draw(init, shape, 0, 8);
    EXPECT_EQ(a, draw(init, shape));
    const auto n = static_cast<double>(a.size());
    const auto correlation = [&](const std::vector<float>& x, const std::vector<float>& y, size_t shift) {
      double product = 0, square = 0;
      for (size_t i = 0; i + shift < x.size(); ++i) {
        product += static_cast<double>(x[i]) * y[i + shift];
        square += static_cast<double>(x[i]) * x[i];
      }
      return product / square;
    };
    for (const size_t shift : {1u, 2u, 3u, 4u, 15u})
      EXPECT_LT(std::abs(correlation(a, a, shift)), 5 / std::sqrt(n));
    EXPECT_LT(std::abs(correlation(a, b, 0)), 5 / std::sqrt(n));
    EXPECT_LT(std::abs(correlation(a, c, 0)), 5 / std::sqrt(n));
  }
}

TEST(Initialise, Constants) {
  EXPECT_THAT(draw(Init::zeros, {3, 2}), testing::Each(0.0f));
  EXPECT_THAT(draw(Init::ones, {5}), testing::Each(1.0f));
  EXPECT_THAT(draw(Init::constant, {5}, 0.25f), testing::Each(0.25f));
  EXPECT_THAT(draw(Init::whitening, {4, 3, 2, 2}), testing::Each(0.0f));
}

/// Rows where there are few, else columns; both signs and every entry alike in size.
TEST(Initialise, OrthogonalIsOrthogonalAndEven) {
  for (const auto& [rows, columns] : {std::pair{24, 45}, {45, 24}, {33, 33}}) {
    const std::vector<float> q = draw(Init::orthogonal, {rows, columns / 3, 3});
    const auto r = static_cast<size_t>(rows), c = static_cast<size_t>(columns);
    const auto at = [&, by_rows = r <= c](size_t vector, size_t i) {
      return static_cast<double>(by_rows ? q[vector * c + i] : q[i * c + vector]);
    };
    double worst = 0, mean = 0;
    for (size_t i = 0; i < std::min(r, c); ++i) {
      for (size_t j = 0; j <= i; ++j) {
        double product = 0;
        for (size_t k = 0; k < std::max(r, c); ++k) product += at(i, k) * at(j, k);
        worst = std::max(worst, std::abs(product - (i == j ? 1 : 0)));
      }
      mean += at(i, i);
    }
    EXPECT_LT(worst, 3e-7) << rows << " x " << columns;  // what rounding to float leaves
    // Householder's QR without its sign correction has a diagonal of one sign.
    EXPECT_LT(std::abs(mean / static_cast<double>(std::min(r, c))), 0.2);
  }
}

TEST(Initialise, OrthogonalEntriesAreNormal) {
  // An entry of a large random rotation is nearly normal with deviation 1 / sqrt(n).
  EXPECT_LT(
      distance(draw(Init::orthogonal, {200, 200}), [](double x) { return normal_below(x * std::sqrt(200)); }),
      1.95);
}

/// The first filters of a convolution give their channel back, whatever the image; the others are as by
/// default.
TEST(Initialise, DiracPassesTheImageThrough) {
  constexpr size_t out = 7, in = 4, kernel_h = 3, kernel_w = 5, h = 6, w = 8;
  const std::vector<float> weight = draw(Init::dirac, {out, in, kernel_h, kernel_w});
  const std::vector<float> plain = draw(Init::uniform_fan_in, {out, in, kernel_h, kernel_w});
  std::vector<float> image(in * h * w);
  for (size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i) * 0.5f - 3;
  for (size_t o = 0; o < in; ++o) {
    for (size_t y = 0; y < h; ++y) {
      for (size_t x = 0; x < w; ++x) {
        float sum = 0;  // padding 1 and 2
        for (size_t c = 0; c < in; ++c) {
          for (size_t dy = 0; dy < kernel_h; ++dy) {
            for (size_t dx = 0; dx < kernel_w; ++dx) {
              const size_t from_y = y + dy - 1, from_x = x + dx - 2;  // wraps around below zero
              if (from_y >= h || from_x >= w) continue;
              sum += weight[((o * in + c) * kernel_h + dy) * kernel_w + dx] *
                     image[(c * h + from_y) * w + from_x];
            }
          }
        }
        EXPECT_EQ(sum, image[(o * h + y) * w + x]);
      }
    }
  }
  const size_t filter = in * kernel_h * kernel_w;
  EXPECT_TRUE(std::equal(weight.begin() + in * filter, weight.end(), plain.begin() + in * filter));
  EXPECT_GT(*std::max_element(weight.begin() + in * filter, weight.end()), 0);
  // More channels than filters: each of the filters takes one.
  const std::vector<float> narrow = draw(Init::dirac, {2, 3, 1, 1});
  EXPECT_THAT(narrow, testing::ElementsAre(1, 0, 0, 0, 1, 0));
}

TEST(Initialise, NamesTheParameterThatALawDoesNotFit) {
  for (const Init init : {Init::kaiming_normal, Init::xavier_uniform, Init::orthogonal, Init::dirac}) {
    std::string message;
    try {
      draw(init, {8});
    } catch (const Error& error) {
      message = error.what();
    }
    EXPECT_THAT(message, HasSubstr("layer.weight: ")) << init_name(init);
  }
  GraphBuilder net("test", {4, 4, 4});
  EXPECT_THROW(net.conv2d("c", net.input(), 4, {.groups = 2, .init = Init::dirac}), Error);
}

}  // namespace
}  // namespace frugal

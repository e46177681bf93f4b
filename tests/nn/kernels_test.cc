// The SIMD kernels against loops that say what they mean. Sizes include channels that fill no vector.

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/philox.h"
#include "base/tensor_view.h"
#include "nn/kernels/chain.h"
#include "nn/kernels/convert.h"
#include "nn/kernels/dropout.h"
#include "nn/kernels/moments.h"
#include "nn/kernels/pointwise.h"

namespace frugal {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> numbers(int64_t n, uint32_t what, float low = -1, float high = 1) {
  const RandomStream random(1, Purpose::test, what);
  std::vector<float> result(static_cast<size_t>(n));
  for (size_t i = 0; i < result.size(); ++i) {
    result[i] = low + (high - low) * uniform01(random.word(0, static_cast<uint32_t>(i)));
  }
  return result;
}

TEST(Dropout, BitsAreThePhiloxNumbersThatTheHeaderNames) {
  const DropoutRate rate(0.3f);
  for (int64_t elements : {1, 100, 128, 420, 8192}) {
    std::vector<uint8_t> bits(static_cast<size_t>(keep_bytes(elements)));
    keep_bits(elements, rate, {7, 9}, 11, 13, 17, bits.data());
    for (int64_t e = 0; e < elements; ++e) {
      const auto words = philox4x32({static_cast<uint32_t>(e / 128 * 16 + e % 32 / 2), 11, 13, 17}, {7, 9},
                                    dropout_philox_rounds);
      const uint32_t value = words[static_cast<size_t>(e / 32 % 4)] >> (e % 2 * 16) & 0xFFFF;
      ASSERT_EQ((bits[static_cast<size_t>(e / 8)] >> (e % 8)) & 1, value >= rate.threshold) << e;
    }
  }
}

TEST(Dropout, KeepsTheShareThatItScalesFor) {
  for (float p : {0.1f, 0.2f, 0.5f, 0.9f}) {
    const DropoutRate rate(p);
    EXPECT_NEAR(1 / rate.keep_scale, 1 - p, 1.0 / 65536);
    constexpr int64_t elements = 1 << 20;
    std::vector<uint8_t> bits(static_cast<size_t>(keep_bytes(elements)));
    keep_bits(elements, rate, {1, 2}, 3, 4, 5, bits.data());
    int64_t kept = 0;
    for (int64_t i = 0; i < elements / 8; ++i) kept += std::popcount(bits[static_cast<size_t>(i)]);
    const double deviation = std::sqrt(p * (1 - p) / elements);
    EXPECT_NEAR(static_cast<double>(kept) / elements, 1 - p, 5 * deviation + 1.0 / 65536);
  }
}

TEST(Moments, AreTheMeanAndTheSquaredDeviationsEvenFarFromZero) {
  for (int64_t c : {1, 3, 16, 37, 128}) {
    for (int64_t rows : {1, 5, 64, 65, 1000}) {
      const std::vector<float> x = numbers(rows * c, 1, 1000, 1001);
      std::vector<float> mean(static_cast<size_t>(c)), m2(mean);
      channel_moments(x.data(), rows, c, mean.data(), m2.data());
      for (int64_t k = 0; k < c; ++k) {
        double sum = 0, squares = 0;
        for (int64_t r = 0; r < rows; ++r) sum += x[static_cast<size_t>(r * c + k)];
        for (int64_t r = 0; r < rows; ++r)
          squares += std::pow(x[static_cast<size_t>(r * c + k)] - sum / rows, 2);
        ASSERT_NEAR(mean[static_cast<size_t>(k)], sum / rows, 2e-4);
        ASSERT_NEAR(m2[static_cast<size_t>(k)], squares, 1e-3 * squares + 1e-4);
      }
    }
  }
}

TEST(Moments, CombineToTheMomentsOfTheWhole) {
  constexpr int64_t c = 20, rows = 100, split = 37;
  const std::vector<float> x = numbers(rows * c, 2, 5, 7);
  std::vector<float> mean(c), m2(c), mean_a(c), m2_a(c), mean_b(c), m2_b(c);
  channel_moments(x.data(), rows, c, mean.data(), m2.data());
  channel_moments(x.data(), split, c, mean_a.data(), m2_a.data());
  channel_moments(x.data() + split * c, rows - split, c, mean_b.data(), m2_b.data());
  combine_moments(c, split, mean_a.data(), m2_a.data(), rows - split, mean_b.data(), m2_b.data());
  for (size_t k = 0; k < c; ++k) {
    EXPECT_NEAR(mean_a[k], mean[k], 1e-6 * 6);
    EXPECT_NEAR(m2_a[k], m2[k], 1e-5 * m2[k]);
  }
}

TEST(Convert, RoundsToNearestEvenAsTheScalarRule) {
  std::vector<float> x = numbers(1000, 3, -3, 3);
  x.push_back(1 + 0x1p-8f);      // a tie: down to even
  x.push_back(1 + 3 * 0x1p-8f);  // a tie: up to even
  x.push_back(HUGE_VALF);
  x.push_back(nan);
  std::vector<uint16_t> y(x.size());
  convert(x.data(), static_cast<int64_t>(x.size()), y.data());
  for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(y[i], to_bf16(x[i])) << x[i];
  EXPECT_TRUE(std::isnan(from_bf16(y.back())));
  std::vector<float> back(x.size());
  convert(y.data(), static_cast<int64_t>(x.size()), back.data());
  for (size_t i = 0; i + 1 < x.size(); ++i) ASSERT_EQ(back[i], from_bf16(y[i]));
}

/// What the chain does, one element at a time.
struct Reference {
  ChainShape s;
  std::vector<float> x, scale, shift;
  std::vector<bool> kept;

  float activated(int64_t i) const {
    const auto c = static_cast<size_t>(i % s.c);
    float v =
        scale.empty() ? x[static_cast<size_t>(i)] : std::fma(x[static_cast<size_t>(i)], scale[c], shift[c]);
    if (s.relu && v < 0) v = 0;
    if (!kept.empty() && !kept[static_cast<size_t>(i)] && !std::isnan(v)) v = 0;
    return v * s.keep_scale;
  }
  int64_t at(int64_t oh, int64_t ow, int64_t c, int position) const {
    return ((oh * s.pool + position / s.pool) * s.w + ow * s.pool + position % s.pool) * s.c + c;
  }
  /// Output and, for each input, the factor that its gradient is multiplied by.
  void forward(std::vector<float>& y, std::vector<float>& passes) const {
    y.assign(static_cast<size_t>(s.out_h() * s.out_w() * s.c), 0);
    passes.assign(x.size(), 0);
    for (int64_t o = 0; o < static_cast<int64_t>(y.size()); ++o) {
      const int64_t c = o % s.c, ow = o / s.c % s.out_w(), oh = o / s.c / s.out_w();
      int64_t winner = at(oh, ow, c, 0);
      for (int p = 1; p < s.pool * s.pool; ++p) {
        if (activated(at(oh, ow, c, p)) > activated(winner)) winner = at(oh, ow, c, p);
      }
      y[static_cast<size_t>(o)] = activated(winner);
      const bool alive =
          (!s.relu || activated(winner) > 0) && (kept.empty() || kept[static_cast<size_t>(winner)]);
      passes[static_cast<size_t>(winner)] = alive ? s.keep_scale : 0;
    }
  }
};

/// The pointwise kernels stand in for a chain without pooling.
Pointwise<float> pointwise_of(const ChainShape& s, const float* x, const float* scale, const float* shift,
                              const uint8_t* keep) {
  Pointwise<float> p{.rows = s.h * s.w, .c = s.c, .x = x, .scale = scale, .shift = shift, .keep = keep};
  p.active = s.relu, p.keep_scale = s.keep_scale;
  return p;
}

class ChainTest : public testing::TestWithParam<std::tuple<int, int, bool, bool, bool>> {};

TEST_P(ChainTest, MatchesTheReference) {
  const auto [channels, pool, affine, relu, dropout] = GetParam();
  Reference ref;
  ref.s = {.h = 7, .w = 5, .c = channels, .pool = pool, .relu = relu};
  const int64_t n = 7 * 5 * channels;
  ref.x = numbers(n, 10);
  if (affine) ref.scale = numbers(channels, 11, -2, 2), ref.shift = numbers(channels, 12);
  std::vector<uint8_t> bits;
  if (dropout) {
    const DropoutRate rate(0.25f);
    ref.s.keep_scale = rate.keep_scale;
    bits.resize(static_cast<size_t>(keep_bytes(n)));
    keep_bits(n, rate, {1, 1}, 2, 3, 4, bits.data());
    for (int64_t i = 0; i < n; ++i) ref.kept.push_back((bits[static_cast<size_t>(i / 8)] >> (i % 8)) & 1);
  }
  std::vector<float> expected, passes;
  ref.forward(expected, passes);

  std::vector<float> y(expected.size());
  std::vector<uint8_t> winner(expected.size());
  const uint8_t* keep = dropout ? bits.data() : nullptr;
  const float* scale = affine ? ref.scale.data() : nullptr;
  const Pointwise<float> pointwise = pointwise_of(ref.s, ref.x.data(), scale, ref.shift.data(), keep);
  if (pool > 1) {
    chain_forward(ref.s, ref.x.data(), scale, ref.shift.data(), keep, y.data(), winner.data());
  } else {
    pointwise_forward(pointwise, y.data());
  }
  for (size_t i = 0; i < y.size(); ++i) ASSERT_FLOAT_EQ(y[i], expected[i]) << i;

  const std::vector<float> dy = numbers(static_cast<int64_t>(y.size()), 13);
  const std::vector<float> a = numbers(channels, 14), b = numbers(channels, 15), mean = numbers(channels, 16),
                           offset = numbers(channels, 17);
  std::vector<float> dx(ref.x), sum_g(static_cast<size_t>(channels), 1.0f), sum_gx(sum_g);
  if (pool > 1) {
    chain_backward_sums(ref.s, ref.x.data(), dy.data(), winner.data(), mean.data(), sum_g.data(),
                        sum_gx.data());
    chain_backward_input(ref.s, dx.data(), dy.data(), winner.data(), affine ? a.data() : nullptr, b.data(),
                         mean.data(), offset.data(), false, dx.data());
  } else {
    const PointwiseGradient<float> how{relu && dropout ? y.data() : nullptr, dy.data()};
    pointwise_backward_sums(pointwise, how, mean.data(), sum_g.data(), sum_gx.data());
    PointwiseTargets<float> targets{.dx = dx.data()};
    if (affine)
      targets.a = a.data(), targets.b = b.data(), targets.mean = mean.data(), targets.offset = offset.data();
    Pointwise<float> in_place = pointwise;
    in_place.x = dx.data();
    pointwise_backward_input(in_place, how, targets);
  }
  std::vector<double> expect_g(static_cast<size_t>(channels), 1), expect_gx(expect_g);
  for (int64_t i = 0; i < n; ++i) {
    const auto c = static_cast<size_t>(i % channels);
    const int64_t w = i / channels % 5, h = i / channels / 5;
    const bool covered = h / pool < ref.s.out_h() && w / pool < ref.s.out_w();
    const auto out = static_cast<size_t>((h / pool * ref.s.out_w() + w / pool) * channels + i % channels);
    const float x = ref.x[static_cast<size_t>(i)];
    const float g = covered ? dy[out] * passes[static_cast<size_t>(i)] : 0;
    expect_g[c] += g;
    expect_gx[c] += static_cast<double>(g) * (x - mean[c]);
    ASSERT_NEAR(dx[static_cast<size_t>(i)], affine ? a[c] * g + b[c] * (x - mean[c]) + offset[c] : g, 2e-6)
        << i;
  }
  for (size_t c = 0; c < sum_g.size(); ++c) {
    ASSERT_NEAR(sum_g[c], expect_g[c], 1e-5);
    ASSERT_NEAR(sum_gx[c], expect_gx[c], 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Combinations, ChainTest,
                         testing::Combine(testing::Values(1, 16, 28, 37), testing::Values(1, 2, 3),
                                          testing::Bool(), testing::Bool(), testing::Bool()));

TEST(Chain, DoesNotHideNaN) {
  for (const int pool : {1, 2}) {
    for (const bool relu : {false, true}) {
      const ChainShape s{.h = 2, .w = 2, .c = 16, .pool = pool, .relu = relu};
      for (int64_t where = 0; where < 64; where += 21) {
        std::vector<float> x(64, 0.5f), y(64);
        x[static_cast<size_t>(where)] = nan;
        std::vector<uint8_t> winner(64);
        if (pool > 1) {
          chain_forward(s, x.data(), nullptr, nullptr, nullptr, y.data(), winner.data());
        } else {
          pointwise_forward(pointwise_of(s, x.data(), nullptr, nullptr, nullptr), y.data());
        }
        bool seen = false;
        for (float v : y) seen = seen || std::isnan(v);
        EXPECT_TRUE(seen) << pool << relu << where;
      }
    }
  }
}

TEST(Transpose, SwapsRowsAndColumns) {
  const std::vector<float> x = numbers(35 * 21, 30);
  std::vector<float> y(x.size());
  transpose(x.data(), 35, 21, y.data());
  for (size_t r = 0; r < 35; ++r) {
    for (size_t c = 0; c < 21; ++c) ASSERT_EQ(y[c * 35 + r], x[r * 21 + c]);
  }
}

}  // namespace
}  // namespace frugal

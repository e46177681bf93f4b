// Depthwise convolutions and their gradients against the sums that define them.
#include "nn/kernels/depthwise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/philox.h"
#include "base/tensor_view.h"
#include "every_target.h"

namespace frugal {
namespace {

std::vector<float> numbers(int64_t n, uint32_t what) {
  const RandomStream random(5, Purpose::test, what);
  std::vector<float> result;
  // Of few bits, so that bf16 holds them exactly.
  for (int64_t i = 0; i < n; ++i) {
    result.push_back(static_cast<float>(random.word(0, static_cast<uint32_t>(i)) >> 28) / 8 - 1);
  }
  return result;
}

/// One shape's tensors, in fp32 and the same numbers in bf16.
struct Case {
  static constexpr int64_t samples = 3;
  DepthwiseShape s;
  std::vector<float> x, dy, weights, bias, scratch;
  std::vector<uint16_t> x16, dy16;

  Case(int kh, int kw, int stride_h, int stride_w, int padding, int64_t c)
      : s{.h = 9,
          .w = 11,
          .c = c,
          .kernel_h = kh,
          .kernel_w = kw,
          .stride_h = stride_h,
          .stride_w = stride_w,
          .padding_h = padding,
          .padding_w = padding} {
    s.out_h = (s.h + 2 * padding - kh) / stride_h + 1, s.out_w = (s.w + 2 * padding - kw) / stride_w + 1;
    x = numbers(samples * s.h * s.w * c, 1), dy = numbers(samples * s.out_h * s.out_w * c, 2);
    weights = numbers(c * kh * kw, 3), bias = numbers(c, 4);
    for (float v : x) x16.push_back(to_bf16(v));
    for (float v : dy) dy16.push_back(to_bf16(v));
    scratch.resize(static_cast<size_t>(std::max(s.scratch_floats(), s.turned().scratch_floats())));
  }

  size_t x_at(int64_t n, int64_t h, int64_t w, int64_t k) const {
    return static_cast<size_t>(((n * s.h + h) * s.w + w) * s.c + k);
  }
  size_t y_at(int64_t n, int64_t h, int64_t w, int64_t k) const {
    return static_cast<size_t>(((n * s.out_h + h) * s.out_w + w) * s.c + k);
  }
  size_t weight_at(int64_t k, int64_t i, int64_t j) const {
    return static_cast<size_t>((k * s.kernel_h + i) * s.kernel_w + j);
  }

  /// Calls body(x_at, y_at, weight_at) wherever a tap meets a pixel.
  template <class Body>
  void for_meetings(Body&& body) const {
    for (int64_t n = 0; n < samples; ++n) {
      for (int64_t oh = 0; oh < s.out_h; ++oh) {
        for (int64_t ow = 0; ow < s.out_w; ++ow) {
          for (int64_t i = 0; i < s.kernel_h; ++i) {
            for (int64_t j = 0; j < s.kernel_w; ++j) {
              const int64_t h = oh * s.stride_h + i - s.padding_h, w = ow * s.stride_w + j - s.padding_w;
              if (h < 0 || h >= s.h || w < 0 || w >= s.w) continue;
              for (int64_t k = 0; k < s.c; ++k)
                body(x_at(n, h, w, k), y_at(n, oh, ow, k), weight_at(k, i, j));
            }
          }
        }
      }
    }
  }
};

/// Kernel, strides and padding; channels that fill a vector and that do not.
std::vector<Case> cases() {
  std::vector<Case> result;
  for (const auto& [kh, kw, stride_h, stride_w, padding] : {std::array{5, 5, 1, 1, 2},
                                                            {7, 7, 1, 1, 3},
                                                            {3, 3, 2, 2, 1},
                                                            {1, 4, 1, 1, 0},
                                                            {2, 6, 3, 2, 1},
                                                            {6, 5, 2, 1, 4},
                                                            {4, 7, 1, 2, 2},
                                                            {9, 9, 1, 1, 0},
                                                            {1, 1, 1, 1, 0},
                                                            {1, 1, 2, 2, 0}}) {
    for (int64_t c : {1, 7, 16, 44}) result.emplace_back(kh, kw, stride_h, stride_w, padding, c);
  }
  return result;
}

std::string name(const DepthwiseShape& s) {
  return std::to_string(s.kernel_h) + "x" + std::to_string(s.kernel_w) + " of " + std::to_string(s.c) +
         " channels, strides " + std::to_string(s.stride_h) + " and " + std::to_string(s.stride_w);
}

template <class Body>
void for_every_case(Body&& body) {
  for_every_target([&] {
    for (Case& c : cases()) {
      SCOPED_TRACE(name(c.s));
      body(c);
    }
  });
}

std::vector<float> rounded(const std::vector<double>& sums) { return {sums.begin(), sums.end()}; }

void expect_equal(const std::vector<float>& actual, const std::vector<float>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) ASSERT_FLOAT_EQ(actual[i], expected[i]) << "at " << i;
}

/// bf16 results are the fp32 ones, rounded.
void expect_rounded(const std::vector<uint16_t>& actual, const std::vector<float>& fp32) {
  ASSERT_EQ(actual.size(), fp32.size());
  for (size_t i = 0; i < actual.size(); ++i) ASSERT_EQ(actual[i], to_bf16(fp32[i])) << "at " << i;
}

TEST(DepthwiseForward, IsTheSumOverAllTaps) {
  for_every_case([](Case& c) {
    for (const bool with_bias : {false, true}) {
      std::vector<double> sums(c.dy.size());
      for (size_t i = 0; i < sums.size(); ++i) sums[i] = with_bias ? c.bias[i % c.bias.size()] : 0.0;
      c.for_meetings([&](size_t x, size_t y, size_t w) { sums[y] += double{c.x[x]} * c.weights[w]; });
      std::vector<float> y(sums.size());
      std::vector<uint16_t> y16(sums.size());
      const float* bias = with_bias ? c.bias.data() : nullptr;
      depthwise_forward(c.s, c.x.data(), c.weights.data(), bias, Case::samples, c.scratch.data(), y.data());
      depthwise_forward(c.s, c.x16.data(), c.weights.data(), bias, Case::samples, c.scratch.data(),
                        y16.data());
      expect_equal(y, rounded(sums));
      expect_rounded(y16, y);
    }
  });
}

TEST(DepthwiseInputGradient, IsTheSumOverAllTaps) {
  for_every_case([](Case& c) {
    std::vector<double> sums(c.x.size());
    c.for_meetings([&](size_t x, size_t y, size_t w) { sums[x] += double{c.dy[y]} * c.weights[w]; });
    std::vector<float> dx(sums.size());
    std::vector<uint16_t> dx16(sums.size());
    const auto run = [&](bool add) {
      depthwise_input_gradient(c.s, c.dy.data(), c.weights.data(), Case::samples, c.scratch.data(), dx.data(),
                               add);
      depthwise_input_gradient(c.s, c.dy16.data(), c.weights.data(), Case::samples, c.scratch.data(),
                               dx16.data(), add);
    };
    run(false);
    expect_equal(dx, rounded(sums));
    expect_rounded(dx16, dx);
    // Added to what is there: a bf16 number and the sum are both few bits.
    dx16 = c.x16, dx = c.x;
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += c.x[i];
    run(true);
    expect_equal(dx, rounded(sums));
    expect_rounded(dx16, dx);
  });
}

TEST(DepthwiseWeightGradient, IsTheSumOverAllPositions) {
  for_every_case([](Case& c) {
    std::vector<double> sums(c.weights.size());
    c.for_meetings([&](size_t x, size_t y, size_t w) { sums[w] += double{c.x[x]} * c.dy[y]; });
    std::vector<float> gradient(sums.size()), gradient16(sums.size());
    depthwise_weight_gradient(c.s, c.x.data(), c.dy.data(), Case::samples, c.scratch.data(), gradient.data());
    depthwise_weight_gradient(c.s, c.x16.data(), c.dy16.data(), Case::samples, c.scratch.data(),
                              gradient16.data());
    expect_equal(gradient, rounded(sums));
    expect_equal(gradient16, gradient);
  });
}

}  // namespace
}  // namespace frugal

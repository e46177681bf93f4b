// The weight gradient of depthwise convolutions against the sum that defines it.
#include "nn/kernels/depthwise.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/philox.h"
#include "base/tensor_view.h"

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

TEST(DepthwiseWeightGradient, IsTheSumOverAllPositions) {
  for (const auto& [kh, kw, stride, padding] :
       {std::array{5, 5, 1, 2}, {7, 7, 1, 3}, {3, 3, 2, 1}, {1, 4, 1, 0}, {2, 6, 3, 1}, {1, 1, 1, 0}}) {
    for (int64_t c : {1, 7, 16, 44}) {
      DepthwiseShape s{.h = 9,
                       .w = 8,
                       .c = c,
                       .kernel_h = kh,
                       .kernel_w = kw,
                       .stride_h = stride,
                       .stride_w = stride,
                       .padding_h = padding,
                       .padding_w = padding};
      s.out_h = (s.h + 2 * padding - kh) / stride + 1, s.out_w = (s.w + 2 * padding - kw) / stride + 1;
      constexpr int64_t samples = 3;
      const std::vector<float> x = numbers(samples * s.h * s.w * c, 1),
                               dy = numbers(samples * s.out_h * s.out_w * c, 2);
      std::vector<uint16_t> x16, dy16;
      for (float v : x) x16.push_back(to_bf16(v));
      for (float v : dy) dy16.push_back(to_bf16(v));
      std::vector<float> scratch(static_cast<size_t>(s.scratch_floats())),
          gradient(static_cast<size_t>(c * kh * kw)), gradient16(gradient);
      depthwise_weight_gradient(s, x.data(), dy.data(), samples, scratch.data(), gradient.data());
      depthwise_weight_gradient(s, x16.data(), dy16.data(), samples, scratch.data(), gradient16.data());
      for (int64_t k = 0; k < c; ++k) {
        for (int i = 0; i < kh; ++i) {
          for (int j = 0; j < kw; ++j) {
            double sum = 0;
            for (int64_t n = 0; n < samples; ++n) {
              for (int64_t oh = 0; oh < s.out_h; ++oh) {
                for (int64_t ow = 0; ow < s.out_w; ++ow) {
                  const int64_t h = oh * stride + i - padding, w = ow * stride + j - padding;
                  if (h < 0 || h >= s.h || w < 0 || w >= s.w) continue;
                  sum += static_cast<double>(x[static_cast<size_t>(((n * s.h + h) * s.w + w) * c + k)]) *
                         dy[static_cast<size_t>(((n * s.out_h + oh) * s.out_w + ow) * c + k)];
                }
              }
            }
            const auto at = static_cast<size_t>((k * kh + i) * kw + j);
            ASSERT_FLOAT_EQ(gradient[at], static_cast<float>(sum)) << kh << "x" << kw << " channel " << k;
            ASSERT_EQ(gradient16[at], gradient[at]);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace frugal

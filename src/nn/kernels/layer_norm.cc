#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/layer_norm.cc"
#include "hwy/foreach_target.h"
// Order matters: foreach_target first.
#include <algorithm>
#include <cmath>

#include "hwy/highway.h"
#include "nn/kernels/layer_norm.h"
#include "nn/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace frugal::HWY_NAMESPACE {

struct TwoSums {
  float a = 0, b = 0;
};

/// Two sums over the channels of a row, to which f(d, c, a, b) adds a vector's part.
template <class F>
HWY_INLINE TwoSums SumChannels(int64_t channels, F&& f) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto a = hn::Zero(d), b = hn::Zero(d);
  int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) f(d, c, a, b);
  TwoSums sums;
  const auto add = [&sums](auto tag, auto x, auto y) HWY_ATTR {
    sums.a += hn::GetLane(hn::SumOfLanes(tag, x));
    sums.b += hn::GetLane(hn::SumOfLanes(tag, y));
  };
  if (c > 0) add(d, a, b);
  ForLastChannels(c, channels, [&](auto narrow, int64_t k) HWY_ATTR {
    auto x = hn::Zero(narrow), y = hn::Zero(narrow);
    f(narrow, k, x, y);
    add(narrow, x, y);
  });
  return sums;
}

template <class T>
HWY_INLINE void Forward(int64_t rows, int64_t c, float eps, const T* x, const float* weight,
                        const float* bias, T* y, float* statistics) {
  const float per_channel = 1.0f / static_cast<float>(c);
  for (int64_t r = 0; r < rows; ++r, x += c, y += c) {
    const float mean = per_channel * SumChannels(c, [&](auto d, int64_t k, auto& sum, auto&) HWY_ATTR {
                                       sum = hn::Add(sum, LoadFloats(d, x + k));
                                     }).a;
    const float m2 = SumChannels(c, [&](auto d, int64_t k, auto& sum, auto&) HWY_ATTR {
                       const auto deviation = hn::Sub(LoadFloats(d, x + k), hn::Set(d, mean));
                       sum = hn::MulAdd(deviation, deviation, sum);
                     }).a;
    const float inverse = 1.0f / std::sqrt(m2 * per_channel + eps);
    if (statistics) statistics[2 * r] = mean, statistics[2 * r + 1] = inverse;
    ForChannels(c, [&](auto d, int64_t k) HWY_ATTR {
      const auto xhat = hn::Mul(hn::Sub(LoadFloats(d, x + k), hn::Set(d, mean)), hn::Set(d, inverse));
      const auto scaled = weight ? hn::Mul(xhat, hn::LoadU(d, weight + k)) : xhat;
      StoreFloats(d, bias ? hn::Add(scaled, hn::LoadU(d, bias + k)) : scaled, y + k);
    });
  }
}

/// Sums over the rows of a tile of dy and of dy * xhat.
template <class T>
HWY_INLINE void ParameterGradients(int64_t rows, int64_t c, const T* x, const T* dy, const float* statistics,
                                   float* weight_gradient, float* bias_gradient) {
  ForTiles(rows, c, [&](auto d, int64_t k, int64_t first, int64_t end) HWY_ATTR {
    auto sum = hn::Zero(d), sum_x = hn::Zero(d);
    for (int64_t r = first; r < end; ++r) {
      const auto g = LoadFloats(d, dy + r * c + k);
      const auto deviation = hn::Sub(LoadFloats(d, x + r * c + k), hn::Set(d, statistics[2 * r]));
      sum = hn::Add(sum, g);
      sum_x = hn::MulAdd(g, hn::Mul(deviation, hn::Set(d, statistics[2 * r + 1])), sum_x);
    }
    if (bias_gradient) hn::StoreU(hn::Add(hn::LoadU(d, bias_gradient + k), sum), d, bias_gradient + k);
    if (weight_gradient)
      hn::StoreU(hn::Add(hn::LoadU(d, weight_gradient + k), sum_x), d, weight_gradient + k);
  });
}

/// dx = 1 / deviation * (weight * g - mean(weight * g) - xhat * mean(weight * g * xhat)) of one row.
template <class T>
HWY_INLINE void Input(int64_t c, const T* x, const T* dy, const float* weight, float mean, float inverse,
                      T* dx, bool accumulate) {
  const auto weighted = [&](auto d, int64_t k) HWY_ATTR {
    const auto g = LoadFloats(d, dy + k);
    return weight ? hn::Mul(g, hn::LoadU(d, weight + k)) : g;
  };
  const auto deviation = [&](auto d, int64_t k)
                             HWY_ATTR { return hn::Sub(LoadFloats(d, x + k), hn::Set(d, mean)); };
  const TwoSums sums = SumChannels(c, [&](auto d, int64_t k, auto& sum, auto& sum_x) HWY_ATTR {
    const auto g = weighted(d, k);
    sum = hn::Add(sum, g);
    sum_x = hn::MulAdd(g, deviation(d, k), sum_x);
  });
  const float per_channel = 1.0f / static_cast<float>(c);
  const float b = -inverse * inverse * inverse * sums.b * per_channel,
              offset = -inverse * sums.a * per_channel;
  ForChannels(c, [&](auto d, int64_t k) HWY_ATTR {
    const auto from_x = hn::MulAdd(hn::Set(d, b), deviation(d, k), hn::Set(d, offset));
    const auto v = hn::MulAdd(hn::Set(d, inverse), weighted(d, k), from_x);
    StoreFloats(d, accumulate ? hn::Add(v, LoadFloats(d, dx + k)) : v, dx + k);
  });
}

/// Tile by tile, so that the second reading is from L1, and the first is over before dx may overwrite what it
/// read.
template <class T>
HWY_INLINE void Backward(int64_t rows, int64_t c, const T* x, const T* dy, const float* weight,
                         const float* statistics, float* weight_gradient, float* bias_gradient, T* dx,
                         bool accumulate) {
  constexpr int64_t tile = 32;
  for (int64_t first = 0; first < rows; first += tile) {
    const int64_t count = std::min(tile, rows - first), at = first * c;
    const float* tile_statistics = statistics + 2 * first;
    if (weight_gradient || bias_gradient) {
      ParameterGradients(count, c, x + at, dy + at, tile_statistics, weight_gradient, bias_gradient);
    }
    for (int64_t r = 0; dx && r < count; ++r) {
      const int64_t row = at + r * c;
      Input(c, x + row, dy + row, weight, tile_statistics[2 * r], tile_statistics[2 * r + 1], dx + row,
            accumulate);
    }
  }
}

void ForwardF32(int64_t rows, int64_t c, float eps, const float* x, const float* weight, const float* bias,
                float* y, float* statistics) {
  Forward(rows, c, eps, x, weight, bias, y, statistics);
}
void ForwardBf16(int64_t rows, int64_t c, float eps, const uint16_t* x, const float* weight,
                 const float* bias, uint16_t* y, float* statistics) {
  Forward(rows, c, eps, x, weight, bias, y, statistics);
}
void BackwardF32(int64_t rows, int64_t c, const float* x, const float* dy, const float* weight,
                 const float* statistics, float* weight_gradient, float* bias_gradient, float* dx,
                 bool accumulate) {
  Backward(rows, c, x, dy, weight, statistics, weight_gradient, bias_gradient, dx, accumulate);
}
void BackwardBf16(int64_t rows, int64_t c, const uint16_t* x, const uint16_t* dy, const float* weight,
                  const float* statistics, float* weight_gradient, float* bias_gradient, uint16_t* dx,
                  bool accumulate) {
  Backward(rows, c, x, dy, weight, statistics, weight_gradient, bias_gradient, dx, accumulate);
}

}  // namespace frugal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frugal {
HWY_EXPORT(ForwardF32);
HWY_EXPORT(ForwardBf16);
HWY_EXPORT(BackwardF32);
HWY_EXPORT(BackwardBf16);

template <>
void layer_norm_forward(int64_t rows, int64_t c, float eps, const float* x, const float* weight,
                        const float* bias, float* y, float* statistics) {
  HWY_DYNAMIC_DISPATCH(ForwardF32)(rows, c, eps, x, weight, bias, y, statistics);
}
template <>
void layer_norm_forward(int64_t rows, int64_t c, float eps, const uint16_t* x, const float* weight,
                        const float* bias, uint16_t* y, float* statistics) {
  HWY_DYNAMIC_DISPATCH(ForwardBf16)(rows, c, eps, x, weight, bias, y, statistics);
}
template <>
void layer_norm_backward(int64_t rows, int64_t c, const float* x, const float* dy, const float* weight,
                         const float* statistics, float* weight_gradient, float* bias_gradient, float* dx,
                         bool accumulate) {
  HWY_DYNAMIC_DISPATCH(BackwardF32)
  (rows, c, x, dy, weight, statistics, weight_gradient, bias_gradient, dx, accumulate);
}
template <>
void layer_norm_backward(int64_t rows, int64_t c, const uint16_t* x, const uint16_t* dy, const float* weight,
                         const float* statistics, float* weight_gradient, float* bias_gradient, uint16_t* dx,
                         bool accumulate) {
  HWY_DYNAMIC_DISPATCH(BackwardBf16)
  (rows, c, x, dy, weight, statistics, weight_gradient, bias_gradient, dx, accumulate);
}

}  // namespace frugal
#endif

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

/// One sum, of f(d, c).
template <class F>
HWY_INLINE float SumChannel(int64_t channels, F&& f) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto vector = hn::Zero(d);
  int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) vector = hn::Add(vector, f(d, c));
  float sum = c > 0 ? hn::GetLane(hn::SumOfLanes(d, vector)) : 0;
  ForLastChannels(c, channels, [&](auto narrow, int64_t k) HWY_ATTR {
    sum += hn::GetLane(hn::SumOfLanes(narrow, f(narrow, k)));
  });
  return sum;
}

/// Step by step over a few rows at a time, so that the rows' chains of additions overlap; from L1 but the
/// first time.
template <class T>
HWY_INLINE void Forward(int64_t rows, int64_t c, float eps, const T* x, const float* weight,
                        const float* bias, T* y, float* statistics) {
  constexpr int64_t tile = 8;
  const float per_channel = 1.0f / static_cast<float>(c);
  float mean[tile], inverse[tile];
  for (int64_t first = 0; first < rows; first += tile, x += tile * c, y += tile * c) {
    const int64_t count = std::min(tile, rows - first);
    for (int64_t r = 0; r < count; ++r) {
      const T* row = x + r * c;
      mean[r] =
          per_channel * SumChannel(c, [&](auto d, int64_t k) HWY_ATTR { return LoadFloats(d, row + k); });
    }
    for (int64_t r = 0; r < count; ++r) {
      const T* row = x + r * c;
      const float variance = per_channel * SumChannel(c, [&](auto d, int64_t k) HWY_ATTR {
                               const auto deviation = hn::Sub(LoadFloats(d, row + k), hn::Set(d, mean[r]));
                               return hn::Mul(deviation, deviation);
                             });
      inverse[r] = 1.0f / std::sqrt(variance + eps);
    }
    for (int64_t r = 0; r < count; ++r) {
      ForChannels(c, [&](auto d, int64_t k) HWY_ATTR {
        const auto deviation = hn::Sub(LoadFloats(d, x + r * c + k), hn::Set(d, mean[r]));
        const auto xhat = hn::Mul(deviation, hn::Set(d, inverse[r]));
        const auto scaled = weight ? hn::Mul(xhat, hn::LoadU(d, weight + k)) : xhat;
        StoreFloats(d, bias ? hn::Add(scaled, hn::LoadU(d, bias + k)) : scaled, y + r * c + k);
      });
    }
    for (int64_t r = 0; statistics && r < count; ++r) {
      statistics[2 * (first + r)] = mean[r], statistics[2 * (first + r) + 1] = inverse[r];
    }
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

/// dx = 1 / deviation * (weight * g - mean(weight * g) - xhat * mean(weight * g * xhat)) of a tile's rows:
/// first what stands for the two means, b and offset, then the rest.
template <int64_t kTile, class T>
HWY_INLINE void Inputs(int64_t rows, int64_t c, const T* x, const T* dy, const float* weight,
                       const float* statistics, T* dx, bool accumulate) {
  float b[kTile], offset[kTile];
  const auto weighted = [&](auto d, int64_t r, int64_t k) HWY_ATTR {
    const auto g = LoadFloats(d, dy + r * c + k);
    return weight ? hn::Mul(g, hn::LoadU(d, weight + k)) : g;
  };
  const auto deviation = [&](auto d, int64_t r, int64_t k) HWY_ATTR {
    return hn::Sub(LoadFloats(d, x + r * c + k), hn::Set(d, statistics[2 * r]));
  };
  const float per_channel = 1.0f / static_cast<float>(c);
  for (int64_t r = 0; r < rows; ++r) {
    const TwoSums sums = SumChannels(c, [&](auto d, int64_t k, auto& sum, auto& sum_x) HWY_ATTR {
      const auto g = weighted(d, r, k);
      sum = hn::Add(sum, g);
      sum_x = hn::MulAdd(g, deviation(d, r, k), sum_x);
    });
    const float inverse = statistics[2 * r + 1];
    b[r] = -inverse * inverse * inverse * sums.b * per_channel;
    offset[r] = -inverse * sums.a * per_channel;
  }
  for (int64_t r = 0; r < rows; ++r) {
    ForChannels(c, [&](auto d, int64_t k) HWY_ATTR {
      T* to = dx + r * c + k;
      const auto from_x = hn::MulAdd(hn::Set(d, b[r]), deviation(d, r, k), hn::Set(d, offset[r]));
      const auto v = hn::MulAdd(hn::Set(d, statistics[2 * r + 1]), weighted(d, r, k), from_x);
      StoreFloats(d, accumulate ? hn::Add(v, LoadFloats(d, to)) : v, to);
    });
  }
}

/// Tile by tile, so that all readings but the first are from L1, and over before dx may overwrite what they
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
    if (dx) Inputs<tile>(count, c, x + at, dy + at, weight, tile_statistics, dx + at, accumulate);
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

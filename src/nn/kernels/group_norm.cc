#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/group_norm.cc"
#include "hwy/foreach_target.h"
// Order matters: foreach_target first.
#include <algorithm>
#include <cmath>

#include "hwy/highway.h"
#include "nn/kernels/group_norm.h"
#include "nn/kernels/moments.h"
#include "nn/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace frugal::HWY_NAMESPACE {

/// y = (x - mean) * scale + bias, by channel; bias may be null.
template <class T>
HWY_INLINE void Normalise(int64_t pixels, int64_t c, const T* x, const float* mean, const float* scale,
                          const float* bias, T* y) {
  ForTiles(pixels, c, [&](auto d, int64_t k, int64_t first, int64_t end) HWY_ATTR {
    const auto vmean = hn::LoadU(d, mean + k), vscale = hn::LoadU(d, scale + k);
    const auto vbias = bias ? hn::LoadU(d, bias + k) : hn::Zero(d);
    for (int64_t at = first * c + k; at < end * c; at += c) {
      StoreFloats(d, hn::MulAdd(hn::Sub(LoadFloats(d, x + at), vmean), vscale, vbias), y + at);
    }
  });
}

/// Sums over the pixels of g and of g * (x - mean), by channel.
template <class T>
HWY_INLINE void Sums(int64_t pixels, int64_t c, const T* x, const T* g, const float* mean, float* sum_g,
                     float* sum_gx) {
  std::fill_n(sum_g, c, 0.0f);
  std::fill_n(sum_gx, c, 0.0f);
  ForTiles(pixels, c, [&](auto d, int64_t k, int64_t first, int64_t end) HWY_ATTR {
    const auto vmean = hn::LoadU(d, mean + k);
    auto sum = hn::Zero(d), sum_x = hn::Zero(d);
    for (int64_t at = first * c + k; at < end * c; at += c) {
      const auto v = LoadFloats(d, g + at);
      sum = hn::Add(sum, v);
      sum_x = hn::MulAdd(v, hn::Sub(LoadFloats(d, x + at), vmean), sum_x);
    }
    hn::StoreU(hn::Add(hn::LoadU(d, sum_g + k), sum), d, sum_g + k);
    hn::StoreU(hn::Add(hn::LoadU(d, sum_gx + k), sum_x), d, sum_gx + k);
  });
}

/// dx = [dx +] a * g + b * (x - mean) + offset, by channel.
template <class T>
HWY_INLINE void Input(int64_t pixels, int64_t c, const T* x, const T* g, const float* mean, const float* a,
                      const float* b, const float* offset, T* dx, bool accumulate) {
  ForTiles(pixels, c, [&](auto d, int64_t k, int64_t first, int64_t end) HWY_ATTR {
    const auto vmean = hn::LoadU(d, mean + k), va = hn::LoadU(d, a + k);
    const auto vb = hn::LoadU(d, b + k), voffset = hn::LoadU(d, offset + k);
    for (int64_t at = first * c + k; at < end * c; at += c) {
      const auto from_x = hn::MulAdd(vb, hn::Sub(LoadFloats(d, x + at), vmean), voffset);
      const auto v = hn::MulAdd(va, LoadFloats(d, g + at), from_x);
      StoreFloats(d, accumulate ? hn::Add(v, LoadFloats(d, dx + at)) : v, dx + at);
    }
  });
}

void NormaliseF32(int64_t pixels, int64_t c, const float* x, const float* mean, const float* scale,
                  const float* bias, float* y) {
  Normalise(pixels, c, x, mean, scale, bias, y);
}
void NormaliseBf16(int64_t pixels, int64_t c, const uint16_t* x, const float* mean, const float* scale,
                   const float* bias, uint16_t* y) {
  Normalise(pixels, c, x, mean, scale, bias, y);
}
void SumsF32(int64_t pixels, int64_t c, const float* x, const float* g, const float* mean, float* sum_g,
             float* sum_gx) {
  Sums(pixels, c, x, g, mean, sum_g, sum_gx);
}
void SumsBf16(int64_t pixels, int64_t c, const uint16_t* x, const uint16_t* g, const float* mean,
              float* sum_g, float* sum_gx) {
  Sums(pixels, c, x, g, mean, sum_g, sum_gx);
}
void InputF32(int64_t pixels, int64_t c, const float* x, const float* g, const float* mean, const float* a,
              const float* b, const float* offset, float* dx, bool accumulate) {
  Input(pixels, c, x, g, mean, a, b, offset, dx, accumulate);
}
void InputBf16(int64_t pixels, int64_t c, const uint16_t* x, const uint16_t* g, const float* mean,
               const float* a, const float* b, const float* offset, uint16_t* dx, bool accumulate) {
  Input(pixels, c, x, g, mean, a, b, offset, dx, accumulate);
}

}  // namespace frugal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frugal {
namespace {

HWY_EXPORT(NormaliseF32);
HWY_EXPORT(NormaliseBf16);
HWY_EXPORT(SumsF32);
HWY_EXPORT(SumsBf16);
HWY_EXPORT(InputF32);
HWY_EXPORT(InputBf16);

/// Each group's mean and inverse deviation from those of its channels, all of as many pixels.
void combine_channels(const GroupNormShape& s, const float* channel_mean, const float* channel_m2,
                      float* mean, float* inverse) {
  const int64_t width = s.c / s.groups;
  for (int64_t g = 0; g < s.groups; ++g) {
    double sum = 0, m2 = 0;
    for (int64_t k = g * width; k < (g + 1) * width; ++k) sum += channel_mean[k];
    const double group_mean = sum / static_cast<double>(width);
    for (int64_t k = g * width; k < (g + 1) * width; ++k) {
      const double delta = channel_mean[k] - group_mean;
      m2 += channel_m2[k] + delta * delta * static_cast<double>(s.pixels);
    }
    mean[g] = static_cast<float>(group_mean);
    inverse[g] = static_cast<float>(1 / std::sqrt(m2 / static_cast<double>(s.pixels * width) + s.eps));
  }
}

}  // namespace

template <class T>
void group_norm_forward(const GroupNormShape& s, const T* x, const float* weight, const float* bias, T* y,
                        float* statistics, float* scratch) {
  float *mean = scratch, *scale = scratch + s.c, *group_mean = statistics, *inverse = statistics + s.groups;
  channel_moments(x, s.pixels, s.c, mean, scale);
  combine_channels(s, mean, scale, group_mean, inverse);
  const int64_t width = s.c / s.groups;
  for (int64_t k = 0, g = 0; g < s.groups; ++g) {
    for (const int64_t end = k + width; k < end; ++k) {
      mean[k] = group_mean[g];
      scale[k] = weight ? weight[k] * inverse[g] : inverse[g];
    }
  }
  if constexpr (sizeof(T) == 4) {
    HWY_DYNAMIC_DISPATCH(NormaliseF32)(s.pixels, s.c, x, mean, scale, bias, y);
  } else {
    HWY_DYNAMIC_DISPATCH(NormaliseBf16)(s.pixels, s.c, x, mean, scale, bias, y);
  }
}

template <class T>
void group_norm_backward(const GroupNormShape& s, const T* x, const T* dy, const float* weight,
                         const float* statistics, float* weight_gradient, float* bias_gradient, T* dx,
                         bool accumulate, float* scratch) {
  const float *group_mean = statistics, *inverse = statistics + s.groups;
  float *mean = scratch, *a = mean + s.c, *b = a + s.c, *offset = b + s.c;
  const int64_t width = s.c / s.groups;
  for (int64_t g = 0; g < s.groups; ++g) std::fill_n(mean + g * width, width, group_mean[g]);
  float *sum_g = a, *sum_gx = b;
  if constexpr (sizeof(T) == 4) {
    HWY_DYNAMIC_DISPATCH(SumsF32)(s.pixels, s.c, x, dy, mean, sum_g, sum_gx);
  } else {
    HWY_DYNAMIC_DISPATCH(SumsBf16)(s.pixels, s.c, x, dy, mean, sum_g, sum_gx);
  }
  const double numbers = static_cast<double>(s.pixels * width);
  for (int64_t g = 0; g < s.groups; ++g) {
    double sum = 0, sum_x = 0;
    for (int64_t k = g * width; k < (g + 1) * width; ++k) {
      if (bias_gradient) bias_gradient[k] += sum_g[k];
      if (weight_gradient) weight_gradient[k] += sum_gx[k] * inverse[g];
      const double gamma = weight ? weight[k] : 1;
      sum += gamma * sum_g[k];
      sum_x += gamma * sum_gx[k];
    }
    // dx = 1 / deviation * (gamma * g - mean(gamma * g) - xhat * mean(gamma * g * xhat)), as in batch-norm.
    const double i = inverse[g];
    for (int64_t k = g * width; k < (g + 1) * width; ++k) {
      a[k] = weight ? weight[k] * inverse[g] : inverse[g];
      b[k] = static_cast<float>(-i * i * i * sum_x / numbers);
      offset[k] = static_cast<float>(-i * sum / numbers);
    }
  }
  if (dx == nullptr) return;
  if constexpr (sizeof(T) == 4) {
    HWY_DYNAMIC_DISPATCH(InputF32)(s.pixels, s.c, x, dy, mean, a, b, offset, dx, accumulate);
  } else {
    HWY_DYNAMIC_DISPATCH(InputBf16)(s.pixels, s.c, x, dy, mean, a, b, offset, dx, accumulate);
  }
}

template void group_norm_forward(const GroupNormShape&, const float*, const float*, const float*, float*,
                                 float*, float*);
template void group_norm_forward(const GroupNormShape&, const uint16_t*, const float*, const float*,
                                 uint16_t*, float*, float*);
template void group_norm_backward(const GroupNormShape&, const float*, const float*, const float*,
                                  const float*, float*, float*, float*, bool, float*);
template void group_norm_backward(const GroupNormShape&, const uint16_t*, const uint16_t*, const float*,
                                  const float*, float*, float*, uint16_t*, bool, float*);

}  // namespace frugal
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/depthwise.cc"
#include "hwy/foreach_target.h"
// Order matters: foreach_target first.
#include <algorithm>

#include "hwy/highway.h"
#include "nn/kernels/depthwise.h"
#include "nn/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace frugal::HWY_NAMESPACE {

/// Channels [c, c + lanes) of one sample, widened to fp32, zeros around it: [padded_h, padded_w, lanes].
template <class D, class T>
HWY_INLINE void Pad(D d, const DepthwiseShape& s, const T* x, int64_t c, float* to) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t h = 0; h < s.padded_h(); ++h) {
    const int64_t row = h - s.padding_h;
    for (int64_t w = 0; w < s.padded_w(); ++w, to += lanes) {
      const int64_t column = w - s.padding_w;
      const bool inside = row >= 0 && row < s.h && column >= 0 && column < s.w;
      hn::StoreU(inside ? LoadFloats(d, x + (row * s.w + column) * s.c + c) : hn::Zero(d), d, to);
    }
  }
}

/// kTaps neighbouring taps of one row of the filter, starting at `x`; their sums over all positions are added
/// to `sums`, [kTaps, lanes].
template <int kTaps, class D>
HWY_INLINE void SumTaps(D d, const DepthwiseShape& s, const float* x, const float* dy, float* sums) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), step = s.stride_w * lanes;
  hn::Vec<D> even[kTaps], odd[kTaps];  // two chains, so that additions overlap
  for (int t = 0; t < kTaps; ++t) even[t] = odd[t] = hn::Zero(d);
  for (int64_t h = 0; h < s.out_h; ++h) {
    const float* row = x + h * s.stride_h * s.padded_w() * lanes;
    const float* g = dy + h * s.out_w * lanes;
    int64_t w = 0;
    for (; w + 2 <= s.out_w; w += 2) {
      const auto g0 = hn::LoadU(d, g + w * lanes), g1 = hn::LoadU(d, g + (w + 1) * lanes);
      for (int t = 0; t < kTaps; ++t) {
        even[t] = hn::MulAdd(g0, hn::LoadU(d, row + w * step + t * lanes), even[t]);
        odd[t] = hn::MulAdd(g1, hn::LoadU(d, row + (w + 1) * step + t * lanes), odd[t]);
      }
    }
    if (w < s.out_w) {
      const auto g0 = hn::LoadU(d, g + w * lanes);
      for (int t = 0; t < kTaps; ++t) {
        even[t] = hn::MulAdd(g0, hn::LoadU(d, row + w * step + t * lanes), even[t]);
      }
    }
  }
  for (int t = 0; t < kTaps; ++t) {
    hn::StoreU(hn::Add(hn::LoadU(d, sums + t * lanes), hn::Add(even[t], odd[t])), d, sums + t * lanes);
  }
}

/// Sample by sample, so that what a vector of channels leaves of a line of memory is at hand for the next
/// one, while the next sample is fetched.
template <class T>
HWY_INLINE void WeightGradient(const DepthwiseShape& s, const T* x, const T* dy, int64_t samples,
                               float* scratch, float* gradient) {
  const int64_t taps = int64_t{s.kernel_h} * s.kernel_w, pixels = s.h * s.w, out_pixels = s.out_h * s.out_w;
  float* const padded = scratch;
  float* const sums = scratch + s.sample_floats();  // for each vector of channels [taps, lanes]
  std::fill_n(sums, s.c * taps, 0.0f);
  for (int64_t n = 0; n < samples; ++n, x += pixels * s.c, dy += out_pixels * s.c) {
    ForChannels(s.c, [&](auto d, int64_t c) HWY_ATTR {
      const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
      if (n + 1 < samples) {
        Prefetch(x + pixels * (s.c + c), pixels * lanes);
        Prefetch(dy + out_pixels * (s.c + c), out_pixels * lanes);
      }
      Pad(d, s, x, c, padded);
      float* const wide_dy = padded + s.padded_h() * s.padded_w() * lanes;
      for (int64_t i = 0; i < out_pixels; ++i) {
        hn::StoreU(LoadFloats(d, dy + i * s.c + c), d, wide_dy + i * lanes);
      }
      for (int64_t kh = 0; kh < s.kernel_h; ++kh) {
        const float* row = padded + kh * s.padded_w() * lanes;
        float* row_sums = sums + c * taps + kh * s.kernel_w * lanes;
        int64_t kw = 0;
        const auto take = [&](auto count) HWY_ATTR {
          SumTaps<decltype(count)::value>(d, s, row + kw * lanes, wide_dy, row_sums + kw * lanes);
          kw += decltype(count)::value;
        };
        while (s.kernel_w - kw >= 5) take(std::integral_constant<int, 5>());
        while (s.kernel_w - kw >= 3) take(std::integral_constant<int, 3>());
        while (kw < s.kernel_w) take(std::integral_constant<int, 1>());
      }
    });
  }
  ForChannels(s.c, [&](auto d, int64_t c) HWY_ATTR {
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    for (int64_t lane = 0; lane < lanes; ++lane) {
      for (int64_t t = 0; t < taps; ++t) gradient[(c + lane) * taps + t] = sums[c * taps + t * lanes + lane];
    }
  });
}

void GradientF32(const DepthwiseShape& s, const float* x, const float* dy, int64_t samples, float* scratch,
                 float* gradient) {
  WeightGradient(s, x, dy, samples, scratch, gradient);
}
void GradientBf16(const DepthwiseShape& s, const uint16_t* x, const uint16_t* dy, int64_t samples,
                  float* scratch, float* gradient) {
  WeightGradient(s, x, dy, samples, scratch, gradient);
}

}  // namespace frugal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frugal {
HWY_EXPORT(GradientF32);
HWY_EXPORT(GradientBf16);

template <>
void depthwise_weight_gradient(const DepthwiseShape& shape, const float* x, const float* dy, int64_t samples,
                               float* scratch, float* gradient) {
  HWY_DYNAMIC_DISPATCH(GradientF32)(shape, x, dy, samples, scratch, gradient);
}
template <>
void depthwise_weight_gradient(const DepthwiseShape& shape, const uint16_t* x, const uint16_t* dy,
                               int64_t samples, float* scratch, float* gradient) {
  HWY_DYNAMIC_DISPATCH(GradientBf16)(shape, x, dy, samples, scratch, gradient);
}

}  // namespace frugal
#endif

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

/// Channels [c, c + lanes) of n pixels, widened to fp32, `spread` pixels apart.
template <class D, class T>
HWY_INLINE void Widen(D d, const T* x, int64_t n, int64_t c, int64_t spread, float* to) {
  const int64_t step = spread * static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < n; ++i) hn::StoreU(LoadFloats(d, x + i * c), d, to + i * step);
}

/// Channels [c, c + lanes) of one sample, widened to fp32, zeros around it: [padded_h, padded_w, lanes].
template <class D, class T>
HWY_INLINE void Pad(D d, const DepthwiseShape& s, const T* x, int64_t c, float* to) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), row_floats = s.padded_w() * lanes;
  // Windows may leave pixels at the end out.
  const int64_t inside = std::min(s.w, (s.padded_w() - s.padding_w + s.spread_w - 1) / s.spread_w);
  const int64_t before = s.padding_w * lanes, covered = before + ((inside - 1) * s.spread_w + 1) * lanes;
  for (int64_t h = 0; h < s.padded_h(); ++h, to += row_floats) {
    const int64_t row = (h - s.padding_h) / s.spread_h;
    if (h < s.padding_h || row * s.spread_h != h - s.padding_h || row >= s.h) {
      std::fill_n(to, row_floats, 0.0f);
      continue;
    }
    std::fill_n(to, s.spread_w == 1 ? before : covered, 0.0f);
    Widen(d, x + row * s.w * s.c + c, inside, s.c, s.spread_w, to + before);
    std::fill(to + covered, to + row_floats, 0.0f);
  }
}

/// Calls body(first, pixels) over [0, n) in blocks of 8 pixels, then 4, 2 and 1, which `pixels` knows as a
/// constant: what a block needs stays in registers.
template <class Body>
HWY_INLINE void ForBlocks(int64_t n, Body&& body) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) body(i, std::integral_constant<int, 8>());
  if (i + 4 <= n) body(i, std::integral_constant<int, 4>()), i += 4;
  if (i + 2 <= n) body(i, std::integral_constant<int, 2>()), i += 2;
  if (i < n) body(i, std::integral_constant<int, 1>());
}

/// Calls body(first, taps) over a row of the filter in pieces of 5, 3 and 1 taps, likewise constants.
template <class Body>
HWY_INLINE void ForTaps(int64_t n, Body&& body) {
  int64_t t = 0;
  for (; t + 5 <= n; t += 5) body(t, std::integral_constant<int, 5>());
  if (t + 3 <= n) body(t, std::integral_constant<int, 3>()), t += 3;
  for (; t < n; ++t) body(t, std::integral_constant<int, 1>());
}

/// Calls body(x, pixel, tap) for all kTaps taps of kPixels neighbouring outputs; `x` is the vector of the row
/// that they meet at, read once for all of them.
template <int kStride, int kPixels, int kTaps, class D, class Body>
HWY_INLINE void ForMeetings(D d, const float* row, Body&& body) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_UNROLL(20)
  for (int i = 0; i < (kPixels - 1) * kStride + kTaps; ++i) {
    const auto x = hn::LoadU(d, row + i * lanes);
    HWY_UNROLL(5)
    for (int t = 0; t < kTaps; ++t) {
      const int p = (i - t) / kStride;
      if (i >= t && p < kPixels && p * kStride + t == i) body(x, p, t);
    }
  }
}

/// y = bias + sum of taps for one vector of channels of one sample. `x` as Pad makes it, `taps`:
/// [kernel_h, kernel_w, lanes].
template <int kStride, bool kAdd, class D, class T>
HWY_INLINE void Convolve(D d, const DepthwiseShape& s, const float* x, const float* taps, hn::Vec<D> bias,
                         T* y) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t h = 0; h < s.out_h; ++h) {
    ForBlocks(s.out_w, [&](int64_t w, auto pixels) HWY_ATTR {
      constexpr int kPixels = decltype(pixels)::value;
      hn::Vec<D> sums[kPixels];
      for (int p = 0; p < kPixels; ++p) sums[p] = bias;
      for (int64_t kh = 0; kh < s.kernel_h; ++kh) {
        const float* row = x + ((h * s.stride_h + kh) * s.padded_w() + w * kStride) * lanes;
        const float* filter = taps + kh * s.kernel_w * lanes;
        ForTaps(s.kernel_w, [&](int64_t kw, auto count) HWY_ATTR {
          constexpr int kTaps = decltype(count)::value;
          hn::Vec<D> tap[kTaps];
          for (int t = 0; t < kTaps; ++t) tap[t] = hn::LoadU(d, filter + (kw + t) * lanes);
          ForMeetings<kStride, kPixels, kTaps>(d, row + kw * lanes, [&](auto v, int p, int t) HWY_ATTR {
            sums[p] = hn::MulAdd(v, tap[t], sums[p]);
          });
        });
      }
      T* const to = y + (h * s.out_w + w) * s.c;
      for (int p = 0; p < kPixels; ++p) {
        if constexpr (kAdd) sums[p] = hn::Add(sums[p], LoadFloats(d, to + p * s.c));
        StoreFloats(d, sums[p], to + p * s.c);
      }
    });
  }
}

/// The filters of all channels, for each vector of them [taps, lanes]; backwards if `rotated`.
HWY_INLINE void LayOutTaps(const DepthwiseShape& s, const float* weights, bool rotated, float* to) {
  const int64_t taps = int64_t{s.kernel_h} * s.kernel_w;
  ForChannels(s.c, [&](auto d, int64_t c) HWY_ATTR {
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    for (int64_t t = 0; t < taps; ++t) {
      const float* from = weights + c * taps + (rotated ? taps - 1 - t : t);
      for (int64_t lane = 0; lane < lanes; ++lane) to[c * taps + t * lanes + lane] = from[lane * taps];
    }
  });
}

template <int kStride, bool kAdd, class T>
HWY_INLINE void ConvolveSamples(const DepthwiseShape& s, const T* x, const float* weights, bool rotated,
                                const float* bias, int64_t samples, float* scratch, T* y) {
  const int64_t taps = int64_t{s.kernel_h} * s.kernel_w, pixels = s.h * s.w, out_pixels = s.out_h * s.out_w;
  float* const padded = scratch;
  float* const laid_out = scratch + s.sample_floats();
  LayOutTaps(s, weights, rotated, laid_out);
  for (int64_t n = 0; n < samples; ++n, x += pixels * s.c, y += out_pixels * s.c) {
    ForChannels(s.c, [&](auto d, int64_t c) HWY_ATTR {
      if (n + 1 < samples) Prefetch(x + pixels * (s.c + c), pixels * static_cast<int64_t>(hn::Lanes(d)));
      Pad(d, s, x, c, padded);
      Convolve<kStride, kAdd>(d, s, padded, laid_out + c * taps, bias ? hn::LoadU(d, bias + c) : hn::Zero(d),
                              y + c);
    });
  }
}

template <class T>
HWY_INLINE void Forward(const DepthwiseShape& s, const T* x, const float* weights, const float* bias,
                        int64_t samples, float* scratch, T* y) {
  s.stride_w == 1 ? ConvolveSamples<1, false>(s, x, weights, false, bias, samples, scratch, y)
                  : ConvolveSamples<2, false>(s, x, weights, false, bias, samples, scratch, y);
}

template <class T>
HWY_INLINE void InputGradient(const DepthwiseShape& s, const T* dy, const float* weights, int64_t samples,
                              float* scratch, T* dx, bool add) {
  const DepthwiseShape turned = s.turned();
  add ? ConvolveSamples<1, true>(turned, dy, weights, true, nullptr, samples, scratch, dx)
      : ConvolveSamples<1, false>(turned, dy, weights, true, nullptr, samples, scratch, dx);
}

/// kTaps neighbouring taps of one row of the filter, starting at `x`; their sums over all positions are added
/// to `sums`, [kTaps, lanes].
template <int kStride, int kTaps, class D>
HWY_INLINE void SumTaps(D d, const DepthwiseShape& s, const float* x, const float* dy, float* sums) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<D> even[kTaps], odd[kTaps];  // two chains, so that additions overlap
  for (int t = 0; t < kTaps; ++t) even[t] = odd[t] = hn::Zero(d);
  for (int64_t h = 0; h < s.out_h; ++h) {
    const float* row = x + h * s.stride_h * s.padded_w() * lanes;
    const float* g = dy + h * s.out_w * lanes;
    ForBlocks(s.out_w, [&](int64_t w, auto pixels) HWY_ATTR {
      constexpr int kPixels = decltype(pixels)::value;
      hn::Vec<D> gradient[kPixels];
      for (int p = 0; p < kPixels; ++p) gradient[p] = hn::LoadU(d, g + (w + p) * lanes);
      ForMeetings<kStride, kPixels, kTaps>(d, row + w * kStride * lanes, [&](auto v, int p, int t) HWY_ATTR {
        auto& sum = p % 2 == 0 ? even[t] : odd[t];
        sum = hn::MulAdd(gradient[p], v, sum);
      });
    });
  }
  for (int t = 0; t < kTaps; ++t) {
    hn::StoreU(hn::Add(hn::LoadU(d, sums + t * lanes), hn::Add(even[t], odd[t])), d, sums + t * lanes);
  }
}

/// Sample by sample, so that what a vector of channels leaves of a line of memory is at hand for the next
/// one, while the next sample is fetched.
template <int kStride, class T>
HWY_INLINE void GradientSums(const DepthwiseShape& s, const T* x, const T* dy, int64_t samples,
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
      Widen(d, dy + c, out_pixels, s.c, 1, wide_dy);
      for (int64_t kh = 0; kh < s.kernel_h; ++kh) {
        const float* row = padded + kh * s.padded_w() * lanes;
        float* row_sums = sums + c * taps + kh * s.kernel_w * lanes;
        ForTaps(s.kernel_w, [&](int64_t kw, auto count) HWY_ATTR {
          SumTaps<kStride, decltype(count)::value>(d, s, row + kw * lanes, wide_dy, row_sums + kw * lanes);
        });
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

template <class T>
HWY_INLINE void WeightGradient(const DepthwiseShape& s, const T* x, const T* dy, int64_t samples,
                               float* scratch, float* gradient) {
  s.stride_w == 1 ? GradientSums<1>(s, x, dy, samples, scratch, gradient)
                  : GradientSums<2>(s, x, dy, samples, scratch, gradient);
}

// HWY_EXPORT takes functions, not templates.
void ForwardF32(const DepthwiseShape& s, const float* x, const float* weights, const float* bias,
                int64_t samples, float* scratch, float* y) {
  Forward(s, x, weights, bias, samples, scratch, y);
}
void ForwardBf16(const DepthwiseShape& s, const uint16_t* x, const float* weights, const float* bias,
                 int64_t samples, float* scratch, uint16_t* y) {
  Forward(s, x, weights, bias, samples, scratch, y);
}
void InputF32(const DepthwiseShape& s, const float* dy, const float* weights, int64_t samples, float* scratch,
              float* dx, bool add) {
  InputGradient(s, dy, weights, samples, scratch, dx, add);
}
void InputBf16(const DepthwiseShape& s, const uint16_t* dy, const float* weights, int64_t samples,
               float* scratch, uint16_t* dx, bool add) {
  InputGradient(s, dy, weights, samples, scratch, dx, add);
}
void WeightF32(const DepthwiseShape& s, const float* x, const float* dy, int64_t samples, float* scratch,
               float* gradient) {
  WeightGradient(s, x, dy, samples, scratch, gradient);
}
void WeightBf16(const DepthwiseShape& s, const uint16_t* x, const uint16_t* dy, int64_t samples,
                float* scratch, float* gradient) {
  WeightGradient(s, x, dy, samples, scratch, gradient);
}

}  // namespace frugal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frugal {
HWY_EXPORT(ForwardF32);
HWY_EXPORT(ForwardBf16);
HWY_EXPORT(InputF32);
HWY_EXPORT(InputBf16);
HWY_EXPORT(WeightF32);
HWY_EXPORT(WeightBf16);

template <>
void depthwise_forward(const DepthwiseShape& shape, const float* x, const float* weights, const float* bias,
                       int64_t samples, float* scratch, float* y) {
  HWY_DYNAMIC_DISPATCH(ForwardF32)(shape, x, weights, bias, samples, scratch, y);
}
template <>
void depthwise_forward(const DepthwiseShape& shape, const uint16_t* x, const float* weights,
                       const float* bias, int64_t samples, float* scratch, uint16_t* y) {
  HWY_DYNAMIC_DISPATCH(ForwardBf16)(shape, x, weights, bias, samples, scratch, y);
}
template <>
void depthwise_input_gradient(const DepthwiseShape& shape, const float* dy, const float* weights,
                              int64_t samples, float* scratch, float* dx, bool add) {
  HWY_DYNAMIC_DISPATCH(InputF32)(shape, dy, weights, samples, scratch, dx, add);
}
template <>
void depthwise_input_gradient(const DepthwiseShape& shape, const uint16_t* dy, const float* weights,
                              int64_t samples, float* scratch, uint16_t* dx, bool add) {
  HWY_DYNAMIC_DISPATCH(InputBf16)(shape, dy, weights, samples, scratch, dx, add);
}
template <>
void depthwise_weight_gradient(const DepthwiseShape& shape, const float* x, const float* dy, int64_t samples,
                               float* scratch, float* gradient) {
  HWY_DYNAMIC_DISPATCH(WeightF32)(shape, x, dy, samples, scratch, gradient);
}
template <>
void depthwise_weight_gradient(const DepthwiseShape& shape, const uint16_t* x, const uint16_t* dy,
                               int64_t samples, float* scratch, float* gradient) {
  HWY_DYNAMIC_DISPATCH(WeightBf16)(shape, x, dy, samples, scratch, gradient);
}

}  // namespace frugal
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/max_pool.cc"
#include "hwy/foreach_target.h"
// Order matters: foreach_target first.
#include <algorithm>
#include <cmath>

#include "hwy/highway.h"
#include "nn/kernels/max_pool.h"
#include "nn/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace frugal::HWY_NAMESPACE {

template <class T>
HWY_INLINE void PoolForward(const PoolShape& s, const T* x, T* y, uint8_t* winner) {
  for (int64_t oh = 0; oh < s.out_h(); ++oh) {
    for (int64_t ow = 0; ow < s.out_w(); ++ow) {
      const int64_t top = oh * s.stride - s.padding, left = ow * s.stride - s.padding;
      ForChannels(s.c, [&](auto d, int64_t c) HWY_ATTR {
        const hn::Rebind<int32_t, decltype(d)> di;
        const hn::Rebind<uint8_t, decltype(d)> d8;
        auto best = hn::Set(d, -HUGE_VALF);
        auto which = hn::Zero(di);
        for (int64_t i = std::max<int64_t>(0, -top); i < std::min<int64_t>(s.kernel, s.h - top); ++i) {
          for (int64_t j = std::max<int64_t>(0, -left); j < std::min<int64_t>(s.kernel, s.w - left); ++j) {
            const auto v = LoadFloats(d, x + ((top + i) * s.w + left + j) * s.c + c);
            const auto take = hn::Or(hn::Gt(v, best), hn::IsNaN(v));
            best = hn::IfThenElse(take, v, best);
            which = hn::IfThenElse(hn::RebindMask(di, take),
                                   hn::Set(di, static_cast<int32_t>(i * s.kernel + j)), which);
          }
        }
        const int64_t out = (oh * s.out_w() + ow) * s.c + c;
        StoreFloats(d, best, y + out);
        if (winner) hn::StoreU(hn::DemoteTo(d8, which), d8, winner + out);
      });
    }
  }
}

/// Gathers: for every input element, the windows that could have chosen it. So each sum is made once, in
/// fp32.
template <class T>
HWY_INLINE void PoolBackward(const PoolShape& s, const T* dy, const uint8_t* winner, T* dx) {
  const auto first_window = [&](int64_t at) {  // smallest window index that covers padded position `at`
    return at < s.kernel ? 0 : (at - s.kernel) / s.stride + 1;
  };
  for (int64_t h = 0; h < s.h; ++h) {
    for (int64_t w = 0; w < s.w; ++w) {
      const int64_t row = h + s.padding, column = w + s.padding;
      const int64_t oh_end = std::min(s.out_h(), row / s.stride + 1);
      const int64_t ow_end = std::min(s.out_w(), column / s.stride + 1);
      ForChannels(s.c, [&](auto d, int64_t c) HWY_ATTR {
        const hn::Rebind<int32_t, decltype(d)> di;
        const hn::Rebind<uint8_t, decltype(d)> d8;
        auto sum = hn::Zero(d);
        for (int64_t oh = first_window(row); oh < oh_end; ++oh) {
          for (int64_t ow = first_window(column); ow < ow_end; ++ow) {
            const auto position =
                static_cast<int32_t>((row - oh * s.stride) * s.kernel + column - ow * s.stride);
            const int64_t out = (oh * s.out_w() + ow) * s.c + c;
            const auto which = hn::PromoteTo(di, hn::LoadU(d8, winner + out));
            const auto here = hn::RebindMask(d, hn::Eq(which, hn::Set(di, position)));
            sum = hn::Add(sum, hn::IfThenElseZero(here, LoadFloats(d, dy + out)));
          }
        }
        StoreFloats(d, sum, dx + (h * s.w + w) * s.c + c);
      });
    }
  }
}

void ForwardF32(const PoolShape& s, const float* x, float* y, uint8_t* winner) {
  PoolForward(s, x, y, winner);
}
void ForwardBf16(const PoolShape& s, const uint16_t* x, uint16_t* y, uint8_t* winner) {
  PoolForward(s, x, y, winner);
}
void BackwardF32(const PoolShape& s, const float* dy, const uint8_t* winner, float* dx) {
  PoolBackward(s, dy, winner, dx);
}
void BackwardBf16(const PoolShape& s, const uint16_t* dy, const uint8_t* winner, uint16_t* dx) {
  PoolBackward(s, dy, winner, dx);
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
void max_pool_forward(const PoolShape& shape, const float* x, float* y, uint8_t* winner) {
  HWY_DYNAMIC_DISPATCH(ForwardF32)(shape, x, y, winner);
}
template <>
void max_pool_forward(const PoolShape& shape, const uint16_t* x, uint16_t* y, uint8_t* winner) {
  HWY_DYNAMIC_DISPATCH(ForwardBf16)(shape, x, y, winner);
}
template <>
void max_pool_backward(const PoolShape& shape, const float* dy, const uint8_t* winner, float* dx) {
  HWY_DYNAMIC_DISPATCH(BackwardF32)(shape, dy, winner, dx);
}
template <>
void max_pool_backward(const PoolShape& shape, const uint16_t* dy, const uint8_t* winner, uint16_t* dx) {
  HWY_DYNAMIC_DISPATCH(BackwardBf16)(shape, dy, winner, dx);
}

}  // namespace frugal
#endif

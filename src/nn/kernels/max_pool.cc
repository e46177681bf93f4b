#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/max_pool.cc"
#include "hwy/foreach_target.h"
// Order matters: foreach_target first.
#include <cmath>

#include "hwy/highway.h"
#include "nn/kernels/max_pool.h"
#include "nn/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace frugal::HWY_NAMESPACE {

template <class DI>
HWY_INLINE hn::Vec<DI> LoadWinners(DI di, const uint8_t* p) {
  return hn::PromoteTo(di, hn::LoadU(hn::Rebind<uint8_t, DI>(), p));
}
template <class DI>
HWY_INLINE hn::Vec<DI> LoadWinners(DI di, const int32_t* p) {
  return hn::LoadU(di, p);
}
template <class DI>
HWY_INLINE void StoreWinners(DI, hn::Vec<DI> v, uint8_t* p) {
  const hn::Rebind<uint8_t, DI> d8;
  hn::StoreU(hn::DemoteTo(d8, v), d8, p);
}
template <class DI>
HWY_INLINE void StoreWinners(DI di, hn::Vec<DI> v, int32_t* p) {
  hn::StoreU(v, di, p);
}

template <class T, class W>
HWY_INLINE void PoolForward(const MaxPoolShape& s, const T* x, T* y, W* winner) {
  const auto width = static_cast<int32_t>(s.w.widest);
  for (size_t oh = 0; oh < s.h.windows.size(); ++oh) {
    const PoolRange rows = s.h.windows[oh];
    for (size_t ow = 0; ow < s.w.windows.size(); ++ow) {
      const PoolRange columns = s.w.windows[ow];
      // Of position (0, 0) of the image, counted in the window.
      const int32_t zero = -s.h.origins[oh] * width - s.w.origins[ow];
      const int64_t out = (static_cast<int64_t>(oh) * s.w.out + static_cast<int64_t>(ow)) * s.c;
      ForChannels(s.c, [&](auto d, int64_t c) HWY_ATTR {
        const hn::Rebind<int32_t, decltype(d)> di;
        auto best = hn::Set(d, -HUGE_VALF);
        auto which = hn::Set(di, zero + rows.begin * width + columns.begin);
        for (int32_t i = rows.begin; i < rows.end; ++i) {
          for (int32_t j = columns.begin; j < columns.end; ++j) {
            const auto v = LoadFloats(d, x + (i * s.w.in + j) * s.c + c);
            const auto take = hn::Or(hn::Gt(v, best), hn::IsNaN(v));
            best = hn::IfThenElse(take, v, best);
            which = hn::IfThenElse(hn::RebindMask(di, take), hn::Set(di, zero + i * width + j), which);
          }
        }
        StoreFloats(d, best, y + out + c);
        if (winner) StoreWinners(di, which, winner + out + c);
      });
    }
  }
}

/// Gathers: for every input element, the windows that could have chosen it. So each sum is made once, in
/// fp32.
template <class T, class W>
HWY_INLINE void PoolBackward(const MaxPoolShape& s, const T* dy, const W* winner, T* dx, bool accumulate) {
  const auto width = static_cast<int32_t>(s.w.widest);
  for (int32_t h = 0; h < s.h.in; ++h) {
    const PoolRange rows = s.h.covering[static_cast<size_t>(h)];
    for (int32_t w = 0; w < s.w.in; ++w) {
      const PoolRange columns = s.w.covering[static_cast<size_t>(w)];
      T* to = dx + (h * s.w.in + w) * s.c;
      ForChannels(s.c, [&](auto d, int64_t c) HWY_ATTR {
        const hn::Rebind<int32_t, decltype(d)> di;
        auto sum = accumulate ? LoadFloats(d, to + c) : hn::Zero(d);
        for (int32_t oh = rows.begin; oh < rows.end; ++oh) {
          const int32_t row = (h - s.h.origins[static_cast<size_t>(oh)]) * width;
          for (int32_t ow = columns.begin; ow < columns.end; ++ow) {
            const int32_t position = row + w - s.w.origins[static_cast<size_t>(ow)];
            const int64_t out = (oh * s.w.out + ow) * s.c + c;
            const auto here = hn::RebindMask(d, hn::Eq(LoadWinners(di, winner + out), hn::Set(di, position)));
            sum = hn::Add(sum, hn::IfThenElseZero(here, LoadFloats(d, dy + out)));
          }
        }
        StoreFloats(d, sum, to + c);
      });
    }
  }
}

template <class T>
HWY_INLINE void Forward(const MaxPoolShape& s, const T* x, T* y, void* winner) {
  if (s.winner_bytes() == 1) return PoolForward(s, x, y, static_cast<uint8_t*>(winner));
  PoolForward(s, x, y, static_cast<int32_t*>(winner));
}
template <class T>
HWY_INLINE void Backward(const MaxPoolShape& s, const T* dy, const void* winner, T* dx, bool accumulate) {
  if (s.winner_bytes() == 1) return PoolBackward(s, dy, static_cast<const uint8_t*>(winner), dx, accumulate);
  PoolBackward(s, dy, static_cast<const int32_t*>(winner), dx, accumulate);
}

void ForwardF32(const MaxPoolShape& s, const float* x, float* y, void* winner) { Forward(s, x, y, winner); }
void ForwardBf16(const MaxPoolShape& s, const uint16_t* x, uint16_t* y, void* winner) {
  Forward(s, x, y, winner);
}
void BackwardF32(const MaxPoolShape& s, const float* dy, const void* winner, float* dx, bool accumulate) {
  Backward(s, dy, winner, dx, accumulate);
}
void BackwardBf16(const MaxPoolShape& s, const uint16_t* dy, const void* winner, uint16_t* dx,
                  bool accumulate) {
  Backward(s, dy, winner, dx, accumulate);
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
void max_pool_forward(const MaxPoolShape& shape, const float* x, float* y, void* winner) {
  HWY_DYNAMIC_DISPATCH(ForwardF32)(shape, x, y, winner);
}
template <>
void max_pool_forward(const MaxPoolShape& shape, const uint16_t* x, uint16_t* y, void* winner) {
  HWY_DYNAMIC_DISPATCH(ForwardBf16)(shape, x, y, winner);
}
template <>
void max_pool_backward(const MaxPoolShape& shape, const float* dy, const void* winner, float* dx,
                       bool accumulate) {
  HWY_DYNAMIC_DISPATCH(BackwardF32)(shape, dy, winner, dx, accumulate);
}
template <>
void max_pool_backward(const MaxPoolShape& shape, const uint16_t* dy, const void* winner, uint16_t* dx,
                       bool accumulate) {
  HWY_DYNAMIC_DISPATCH(BackwardBf16)(shape, dy, winner, dx, accumulate);
}

}  // namespace frugal
#endif

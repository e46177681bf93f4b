#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/chain.cc"
#include "hwy/foreach_target.h"
// Order matters: foreach_target first.
#include "hwy/highway.h"
#include "nn/kernels/chain.h"
#include "nn/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace frugal::HWY_NAMESPACE {

/// pool as a constant where it is the usual 2, so that the window loop unrolls; 0 means "as the shape says".
template <int kPool, class T>
HWY_INLINE void PoolForward(const ChainShape& s, const T* x, const float* scale, const float* shift,
                            const uint8_t* keep, T* y, uint8_t* winner) {
  const int pool = kPool ? kPool : s.pool;
  const float floor = s.relu ? 0.0f : -HUGE_VALF;
  for (int64_t oh = 0; oh < s.out_h(); ++oh) {
    ForChannels(s.c, [&](auto d, int64_t c) HWY_ATTR {
      const hn::Rebind<int32_t, decltype(d)> di;
      const hn::Rebind<uint8_t, decltype(d)> d8;
      const auto vscale = scale ? hn::LoadU(d, scale + c) : hn::Set(d, 1.0f);
      const auto vshift = scale ? hn::LoadU(d, shift + c) : hn::Zero(d);
      for (int64_t ow = 0; ow < s.out_w(); ++ow) {
        const int64_t corner = (oh * pool * s.w + ow * pool) * s.c;
        auto best = hn::Set(d, floor);
        auto which = hn::Set(di, int32_t{no_winner});
        for (int i = 0; i < pool; ++i) {
          for (int j = 0; j < pool; ++j) {
            const int64_t at = corner + (i * s.w + j) * s.c + c;
            auto v = LoadFloats(d, x + at);
            if (scale) v = hn::MulAdd(v, vscale, vshift);
            auto position = hn::Set(di, i * pool + j);
            if (keep) {
              const auto kept = MaskAt(d, keep, at);
              // A dropped NaN stays NaN, as 0 * NaN does in PyTorch.
              v = hn::IfThenElse(hn::Or(kept, hn::IsNaN(v)), v, hn::Zero(d));
              if (!s.relu) {
                position =
                    hn::IfThenElse(hn::RebindMask(di, kept), position, hn::Set(di, int32_t{no_winner}));
              }
            }
            const auto take = hn::Or(hn::Gt(v, best), hn::IsNaN(v));
            best = hn::IfThenElse(take, v, best);
            which = hn::IfThenElse(hn::RebindMask(di, take), position, which);
          }
        }
        const int64_t out = (oh * s.out_w() + ow) * s.c + c;
        StoreFloats(d, hn::Mul(best, hn::Set(d, s.keep_scale)), y + out);
        if (winner) hn::StoreU(hn::DemoteTo(d8, which), d8, winner + out);
      }
    });
  }
}

template <class T>
HWY_INLINE void Forward(const ChainShape& s, const T* x, const float* scale, const float* shift,
                        const uint8_t* keep, T* y, uint8_t* winner) {
  if (s.pool == 2) return PoolForward<2>(s, x, scale, shift, keep, y, winner);
  PoolForward<0>(s, x, scale, shift, keep, y, winner);
}

/// Only winners carry gradient, so both sums need one element of each window.
template <int kPool, class T>
HWY_INLINE void PoolSums(const ChainShape& s, const T* x, const T* dy, const uint8_t* winner,
                         const float* mean, float* sum_g, float* sum_gx) {
  const int pool = kPool ? kPool : s.pool;
  for (int64_t oh = 0; oh < s.out_h(); ++oh) {
    ForChannels(s.c, [&](auto d, int64_t c) HWY_ATTR {
      const hn::Rebind<int32_t, decltype(d)> di;
      const hn::Rebind<uint8_t, decltype(d)> d8;
      auto sum = hn::Zero(d), sum_x = hn::Zero(d);
      const auto vmean = hn::LoadU(d, mean + c);
      for (int64_t ow = 0; ow < s.out_w(); ++ow) {
        const int64_t corner = (oh * pool * s.w + ow * pool) * s.c + c;
        const int64_t out = (oh * s.out_w() + ow) * s.c + c;
        const auto which = hn::PromoteTo(di, hn::LoadU(d8, winner + out));
        auto chosen = vmean;
        for (int i = 0; i < pool; ++i) {
          for (int j = 0; j < pool; ++j) {
            const auto here = hn::RebindMask(d, hn::Eq(which, hn::Set(di, i * pool + j)));
            chosen = hn::IfThenElse(here, LoadFloats(d, x + corner + (i * s.w + j) * s.c), chosen);
          }
        }
        const auto alive = hn::RebindMask(d, hn::Ne(which, hn::Set(di, int32_t{no_winner})));
        const auto g = hn::IfThenElseZero(alive, LoadFloats(d, dy + out));
        sum = hn::Add(sum, g);
        sum_x = hn::MulAdd(g, hn::Sub(chosen, vmean), sum_x);
      }
      const auto keep_scale = hn::Set(d, s.keep_scale);
      hn::StoreU(hn::MulAdd(sum, keep_scale, hn::LoadU(d, sum_g + c)), d, sum_g + c);
      hn::StoreU(hn::MulAdd(sum_x, keep_scale, hn::LoadU(d, sum_gx + c)), d, sum_gx + c);
    });
  }
}

template <class T>
HWY_INLINE void Sums(const ChainShape& s, const T* x, const T* dy, const uint8_t* winner, const float* mean,
                     float* sum_g, float* sum_gx) {
  if (s.pool == 2) return PoolSums<2>(s, x, dy, winner, mean, sum_g, sum_gx);
  PoolSums<0>(s, x, dy, winner, mean, sum_g, sum_gx);
}

/// The affine part of the input gradient of one vector of channels, held in registers over a row.
template <class D>
struct InputAffine {
  D d;
  hn::Vec<D> a, b, mean, offset;
  bool identity, add;
  HWY_INLINE InputAffine(D d_, const float* pa, const float* pb, const float* pmean, const float* poffset,
                         bool add_, int64_t c)
      : d(d_),
        a(pa ? hn::LoadU(d_, pa + c) : hn::Zero(d_)),
        b(pa ? hn::LoadU(d_, pb + c) : hn::Zero(d_)),
        mean(pa ? hn::LoadU(d_, pmean + c) : hn::Zero(d_)),
        offset(pa ? hn::LoadU(d_, poffset + c) : hn::Zero(d_)),
        identity(pa == nullptr),
        add(add_) {}
  template <class T>
  HWY_INLINE void Write(hn::Vec<D> g, const T* x, T* dx) const {
    if (!identity) g = hn::MulAdd(a, g, hn::MulAdd(b, hn::Sub(LoadFloats(d, x), mean), offset));
    if (add) g = hn::Add(g, LoadFloats(d, dx));
    StoreFloats(d, g, dx);
  }
};

template <int kPool, class T>
HWY_INLINE void PoolInput(const ChainShape& s, const T* x, const T* dy, const uint8_t* winner, const float* a,
                          const float* b, const float* mean, const float* offset, bool add, T* dx) {
  const int pool = kPool ? kPool : s.pool;
  for (int64_t oh = 0; oh < s.out_h(); ++oh) {
    ForChannels(s.c, [&](auto d, int64_t c) HWY_ATTR {
      const hn::Rebind<int32_t, decltype(d)> di;
      const hn::Rebind<uint8_t, decltype(d)> d8;
      const InputAffine<decltype(d)> affine(d, a, b, mean, offset, add, c);
      const auto keep_scale = hn::Set(d, s.keep_scale);
      for (int64_t ow = 0; ow < s.out_w(); ++ow) {
        const int64_t corner = (oh * pool * s.w + ow * pool) * s.c + c;
        const int64_t out = (oh * s.out_w() + ow) * s.c + c;
        const auto which = hn::PromoteTo(di, hn::LoadU(d8, winner + out));
        const auto g = hn::Mul(LoadFloats(d, dy + out), keep_scale);
        for (int i = 0; i < pool; ++i) {
          for (int j = 0; j < pool; ++j) {
            const auto here = hn::RebindMask(d, hn::Eq(which, hn::Set(di, i * pool + j)));
            const int64_t at = corner + (i * s.w + j) * s.c;
            affine.Write(hn::IfThenElseZero(here, g), x + at, dx + at);
          }
        }
      }
    });
  }
  // What no window covers gets no gradient from above, but batch-norm's own terms.
  for (int64_t h = 0; h < s.h; ++h) {
    for (int64_t w = h < s.out_h() * pool ? s.out_w() * pool : 0; w < s.w; ++w) {
      ForChannels(s.c, [&](auto d, int64_t c) HWY_ATTR {
        const int64_t at = (h * s.w + w) * s.c + c;
        InputAffine<decltype(d)>(d, a, b, mean, offset, add, c).Write(hn::Zero(d), x + at, dx + at);
      });
    }
  }
}

template <class T>
HWY_INLINE void Input(const ChainShape& s, const T* x, const T* dy, const uint8_t* winner, const float* a,
                      const float* b, const float* mean, const float* offset, bool add, T* dx) {
  if (s.pool == 2) return PoolInput<2>(s, x, dy, winner, a, b, mean, offset, add, dx);
  PoolInput<0>(s, x, dy, winner, a, b, mean, offset, add, dx);
}

// HWY_EXPORT takes functions, not templates.
void ForwardF32(const ChainShape& s, const float* x, const float* scale, const float* shift,
                const uint8_t* keep, float* y, uint8_t* winner) {
  Forward(s, x, scale, shift, keep, y, winner);
}
void ForwardBf16(const ChainShape& s, const uint16_t* x, const float* scale, const float* shift,
                 const uint8_t* keep, uint16_t* y, uint8_t* winner) {
  Forward(s, x, scale, shift, keep, y, winner);
}
void SumsF32(const ChainShape& s, const float* x, const float* dy, const uint8_t* winner, const float* mean,
             float* sum_g, float* sum_gx) {
  Sums(s, x, dy, winner, mean, sum_g, sum_gx);
}
void SumsBf16(const ChainShape& s, const uint16_t* x, const uint16_t* dy, const uint8_t* winner,
              const float* mean, float* sum_g, float* sum_gx) {
  Sums(s, x, dy, winner, mean, sum_g, sum_gx);
}
void InputF32(const ChainShape& s, const float* x, const float* dy, const uint8_t* winner, const float* a,
              const float* b, const float* mean, const float* offset, bool add, float* dx) {
  Input(s, x, dy, winner, a, b, mean, offset, add, dx);
}
void InputBf16(const ChainShape& s, const uint16_t* x, const uint16_t* dy, const uint8_t* winner,
               const float* a, const float* b, const float* mean, const float* offset, bool add,
               uint16_t* dx) {
  Input(s, x, dy, winner, a, b, mean, offset, add, dx);
}

}  // namespace frugal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frugal {
HWY_EXPORT(ForwardF32);
HWY_EXPORT(ForwardBf16);
HWY_EXPORT(SumsF32);
HWY_EXPORT(SumsBf16);
HWY_EXPORT(InputF32);
HWY_EXPORT(InputBf16);

template <>
void chain_forward(const ChainShape& shape, const float* x, const float* scale, const float* shift,
                   const uint8_t* keep, float* y, uint8_t* winner) {
  HWY_DYNAMIC_DISPATCH(ForwardF32)(shape, x, scale, shift, keep, y, winner);
}
template <>
void chain_forward(const ChainShape& shape, const uint16_t* x, const float* scale, const float* shift,
                   const uint8_t* keep, uint16_t* y, uint8_t* winner) {
  HWY_DYNAMIC_DISPATCH(ForwardBf16)(shape, x, scale, shift, keep, y, winner);
}
template <>
void chain_backward_sums(const ChainShape& shape, const float* x, const float* dy, const uint8_t* winner,
                         const float* mean, float* sum_g, float* sum_gx) {
  HWY_DYNAMIC_DISPATCH(SumsF32)(shape, x, dy, winner, mean, sum_g, sum_gx);
}
template <>
void chain_backward_sums(const ChainShape& shape, const uint16_t* x, const uint16_t* dy,
                         const uint8_t* winner, const float* mean, float* sum_g, float* sum_gx) {
  HWY_DYNAMIC_DISPATCH(SumsBf16)(shape, x, dy, winner, mean, sum_g, sum_gx);
}
template <>
void chain_backward_input(const ChainShape& shape, const float* x, const float* dy, const uint8_t* winner,
                          const float* a, const float* b, const float* mean, const float* offset, bool add,
                          float* dx) {
  HWY_DYNAMIC_DISPATCH(InputF32)(shape, x, dy, winner, a, b, mean, offset, add, dx);
}
template <>
void chain_backward_input(const ChainShape& shape, const uint16_t* x, const uint16_t* dy,
                          const uint8_t* winner, const float* a, const float* b, const float* mean,
                          const float* offset, bool add, uint16_t* dx) {
  HWY_DYNAMIC_DISPATCH(InputBf16)(shape, x, dy, winner, a, b, mean, offset, add, dx);
}

}  // namespace frugal
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/prelu.cc"
#include "hwy/foreach_target.h"
// Order matters: foreach_target first.
#include "hwy/highway.h"
#include "nn/kernels/prelu.h"
#include "nn/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace frugal::HWY_NAMESPACE {

template <class T>
HWY_INLINE void Forward(const T* x, int64_t rows, int64_t c, const float* slope, T* y) {
  ForTiles(rows, c, [&](auto d, int64_t k, int64_t first, int64_t end) HWY_ATTR {
    const auto a = hn::LoadU(d, slope + k);
    for (int64_t at = first * c + k; at < end * c; at += c) {
      const auto v = LoadFloats(d, x + at);
      StoreFloats(d, hn::IfThenElse(hn::Gt(v, hn::Zero(d)), v, hn::Mul(a, v)), y + at);
    }
  });
}

template <class T>
HWY_INLINE void Backward(const T* x, const T* dy, int64_t rows, int64_t c, const float* slope, bool add,
                         T* dx, float* dslope) {
  ForTiles(rows, c, [&](auto d, int64_t k, int64_t first, int64_t end) HWY_ATTR {
    const auto a = hn::LoadU(d, slope + k);
    auto sum = hn::LoadU(d, dslope + k);
    for (int64_t at = first * c + k; at < end * c; at += c) {
      const auto v = LoadFloats(d, x + at), g = LoadFloats(d, dy + at);
      const auto positive = hn::Gt(v, hn::Zero(d));
      sum = hn::Add(sum, hn::IfThenZeroElse(positive, hn::Mul(g, v)));
      if (dx) {
        auto gradient = hn::IfThenElse(positive, g, hn::Mul(a, g));
        if (add) gradient = hn::Add(gradient, LoadFloats(d, dx + at));
        StoreFloats(d, gradient, dx + at);
      }
    }
    hn::StoreU(sum, d, dslope + k);
  });
}

void ForwardF32(const float* x, int64_t rows, int64_t c, const float* slope, float* y) {
  Forward(x, rows, c, slope, y);
}
void ForwardBf16(const uint16_t* x, int64_t rows, int64_t c, const float* slope, uint16_t* y) {
  Forward(x, rows, c, slope, y);
}
void BackwardF32(const float* x, const float* dy, int64_t rows, int64_t c, const float* slope, bool add,
                 float* dx, float* dslope) {
  Backward(x, dy, rows, c, slope, add, dx, dslope);
}
void BackwardBf16(const uint16_t* x, const uint16_t* dy, int64_t rows, int64_t c, const float* slope,
                  bool add, uint16_t* dx, float* dslope) {
  Backward(x, dy, rows, c, slope, add, dx, dslope);
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
void prelu_forward(const float* x, int64_t rows, int64_t c, const float* slope, float* y) {
  HWY_DYNAMIC_DISPATCH(ForwardF32)(x, rows, c, slope, y);
}
template <>
void prelu_forward(const uint16_t* x, int64_t rows, int64_t c, const float* slope, uint16_t* y) {
  HWY_DYNAMIC_DISPATCH(ForwardBf16)(x, rows, c, slope, y);
}
template <>
void prelu_backward(const float* x, const float* dy, int64_t rows, int64_t c, const float* slope, bool add,
                    float* dx, float* dslope) {
  HWY_DYNAMIC_DISPATCH(BackwardF32)(x, dy, rows, c, slope, add, dx, dslope);
}
template <>
void prelu_backward(const uint16_t* x, const uint16_t* dy, int64_t rows, int64_t c, const float* slope,
                    bool add, uint16_t* dx, float* dslope) {
  HWY_DYNAMIC_DISPATCH(BackwardBf16)(x, dy, rows, c, slope, add, dx, dslope);
}

}  // namespace frugal
#endif

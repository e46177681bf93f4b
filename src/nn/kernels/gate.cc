#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/gate.cc"
#include "hwy/foreach_target.h"
// Order matters: foreach_target first.
#include <algorithm>

#include "hwy/highway.h"
#include "nn/kernels/gate.h"
#include "nn/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace frugal::HWY_NAMESPACE {

template <class T>
HWY_INLINE void Forward(int64_t pixels, int64_t c, const T* x, const T* factors, T* y) {
  ForTiles(pixels, c, [&](auto d, int64_t k, int64_t first, int64_t end) HWY_ATTR {
    const auto factor = LoadFloats(d, factors + k);
    for (int64_t p = first; p < end; ++p) {
      StoreFloats(d, hn::Mul(LoadFloats(d, x + p * c + k), factor), y + p * c + k);
    }
  });
}

template <class T>
HWY_INLINE void Backward(int64_t pixels, int64_t c, const T* x, const T* factors, const T* dy,
                         const GateGradients<T>& to, float* sums) {
  std::fill_n(sums, c, 0.0f);
  ForTiles(pixels, c, [&](auto d, int64_t k, int64_t first, int64_t end) HWY_ATTR {
    const auto factor = LoadFloats(d, factors + k);
    auto sum = hn::Zero(d);
    for (int64_t p = first; p < end; ++p) {
      const int64_t at = p * c + k;
      const auto g = LoadFloats(d, dy + at);
      if (to.factors) sum = hn::MulAdd(g, LoadFloats(d, x + at), sum);
      if (!to.x) continue;
      const auto dx = hn::Mul(g, factor);
      StoreFloats(d, to.add_to_x ? hn::Add(dx, LoadFloats(d, to.x + at)) : dx, to.x + at);
    }
    hn::StoreU(hn::Add(hn::LoadU(d, sums + k), sum), d, sums + k);
  });
  if (!to.factors) return;
  ForChannels(c, [&](auto d, int64_t k) HWY_ATTR {
    const auto sum = hn::LoadU(d, sums + k);
    StoreFloats(d, to.add_to_factors ? hn::Add(sum, LoadFloats(d, to.factors + k)) : sum, to.factors + k);
  });
}

void ForwardF32(int64_t pixels, int64_t c, const float* x, const float* factors, float* y) {
  Forward(pixels, c, x, factors, y);
}
void ForwardBf16(int64_t pixels, int64_t c, const uint16_t* x, const uint16_t* factors, uint16_t* y) {
  Forward(pixels, c, x, factors, y);
}
void BackwardF32(int64_t pixels, int64_t c, const float* x, const float* factors, const float* dy,
                 const GateGradients<float>& gradients, float* scratch) {
  Backward(pixels, c, x, factors, dy, gradients, scratch);
}
void BackwardBf16(int64_t pixels, int64_t c, const uint16_t* x, const uint16_t* factors, const uint16_t* dy,
                  const GateGradients<uint16_t>& gradients, float* scratch) {
  Backward(pixels, c, x, factors, dy, gradients, scratch);
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
void gate_forward(int64_t pixels, int64_t c, const float* x, const float* factors, float* y) {
  HWY_DYNAMIC_DISPATCH(ForwardF32)(pixels, c, x, factors, y);
}
template <>
void gate_forward(int64_t pixels, int64_t c, const uint16_t* x, const uint16_t* factors, uint16_t* y) {
  HWY_DYNAMIC_DISPATCH(ForwardBf16)(pixels, c, x, factors, y);
}
template <>
void gate_backward(int64_t pixels, int64_t c, const float* x, const float* factors, const float* dy,
                   const GateGradients<float>& gradients, float* scratch) {
  HWY_DYNAMIC_DISPATCH(BackwardF32)(pixels, c, x, factors, dy, gradients, scratch);
}
template <>
void gate_backward(int64_t pixels, int64_t c, const uint16_t* x, const uint16_t* factors, const uint16_t* dy,
                   const GateGradients<uint16_t>& gradients, float* scratch) {
  HWY_DYNAMIC_DISPATCH(BackwardBf16)(pixels, c, x, factors, dy, gradients, scratch);
}

}  // namespace frugal
#endif

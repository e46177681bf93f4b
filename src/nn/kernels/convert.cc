#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/convert.cc"
#include "hwy/foreach_target.h"
// Order matters: foreach_target first.
#include <algorithm>

#include "base/tensor_view.h"
#include "hwy/highway.h"
#include "nn/kernels/convert.h"
#include "nn/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace frugal::HWY_NAMESPACE {

template <class From, class To>
HWY_INLINE void Convert(const From* from, int64_t n, To* to) {
  ForChannels(n, [&](auto d, int64_t i) HWY_ATTR { StoreFloats(d, LoadFloats(d, from + i), to + i); });
}
void Narrow(const float* from, int64_t n, uint16_t* to) { Convert(from, n, to); }
void Widen(const uint16_t* from, int64_t n, float* to) { Convert(from, n, to); }

}  // namespace frugal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frugal {
HWY_EXPORT(Narrow);
HWY_EXPORT(Widen);

template <>
void convert(const float* from, int64_t n, uint16_t* to) {
  HWY_DYNAMIC_DISPATCH(Narrow)(from, n, to);
}
template <>
void convert(const uint16_t* from, int64_t n, float* to) {
  HWY_DYNAMIC_DISPATCH(Widen)(from, n, to);
}
template <>
void convert(const float* from, int64_t n, float* to) {
  std::copy_n(from, n, to);
}
template <>
void convert(const uint16_t* from, int64_t n, uint16_t* to) {
  std::copy_n(from, n, to);
}

namespace {
float sum(float a, float b) { return a + b; }
uint16_t sum(uint16_t a, uint16_t b) { return to_bf16(from_bf16(a) + from_bf16(b)); }
}  // namespace

template <class T>
void transpose(const T* from, int64_t rows, int64_t columns, T* to, bool add) {
  // Square blocks keep both sides within L1; flattened images are small (4x4 pixels), so no shuffles.
  constexpr int64_t block = 16;
  for (int64_t r0 = 0; r0 < rows; r0 += block) {
    for (int64_t c0 = 0; c0 < columns; c0 += block) {
      const int64_t r1 = std::min(r0 + block, rows), c1 = std::min(c0 + block, columns);
      for (int64_t c = c0; c < c1; ++c) {
        for (int64_t r = r0; r < r1; ++r) {
          const T value = from[r * columns + c];
          T& place = to[c * rows + r];
          place = add ? sum(place, value) : value;
        }
      }
    }
  }
}
template void transpose(const float*, int64_t, int64_t, float*, bool);
template void transpose(const uint16_t*, int64_t, int64_t, uint16_t*, bool);

}  // namespace frugal
#endif

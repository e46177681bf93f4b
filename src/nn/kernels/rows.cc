#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/rows.cc"
#include "hwy/foreach_target.h"
// Order matters: foreach_target first.
#include <cstring>

#include "hwy/highway.h"
#include "nn/kernels/rows.h"
#include "nn/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace frugal::HWY_NAMESPACE {

/// Rows of at least kVector bytes. The last vector of a row overlaps the one before it, so that no row ends
/// in single bytes: rows of narrow networks are short, and there are many.
template <size_t kVector>
HWY_INLINE void CopyBytes(int64_t rows, int64_t bytes, const uint8_t* from, int64_t from_stride, uint8_t* to,
                          int64_t to_stride) {
  const hn::CappedTag<uint8_t, kVector> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t r = 0; r < rows; ++r, from += from_stride, to += to_stride) {
    int64_t i = 0;
    for (; i + lanes <= bytes; i += lanes) hn::StoreU(hn::LoadU(d, from + i), d, to + i);
    if (i < bytes) hn::StoreU(hn::LoadU(d, from + bytes - lanes), d, to + bytes - lanes);
  }
}

void Copy(int64_t rows, int64_t bytes, const uint8_t* from, int64_t from_stride, uint8_t* to,
          int64_t to_stride) {
  if (bytes >= 64) return CopyBytes<64>(rows, bytes, from, from_stride, to, to_stride);
  if (bytes >= 32) return CopyBytes<32>(rows, bytes, from, from_stride, to, to_stride);
  if (bytes >= 16) return CopyBytes<16>(rows, bytes, from, from_stride, to, to_stride);
  if (bytes >= 8) return CopyBytes<8>(rows, bytes, from, from_stride, to, to_stride);
  if (bytes >= 4) return CopyBytes<4>(rows, bytes, from, from_stride, to, to_stride);
  CopyBytes<1>(rows, bytes, from, from_stride, to, to_stride);
}

template <class T>
HWY_INLINE void Add(int64_t rows, int64_t columns, const T* from, int64_t from_stride, T* to,
                    int64_t to_stride) {
  for (int64_t r = 0; r < rows; ++r, from += from_stride, to += to_stride) {
    ForChannels(columns, [&](auto d, int64_t i) HWY_ATTR {
      StoreFloats(d, hn::Add(LoadFloats(d, to + i), LoadFloats(d, from + i)), to + i);
    });
  }
}
void AddF32(int64_t rows, int64_t columns, const float* from, int64_t from_stride, float* to,
            int64_t to_stride) {
  Add(rows, columns, from, from_stride, to, to_stride);
}
void AddBf16(int64_t rows, int64_t columns, const uint16_t* from, int64_t from_stride, uint16_t* to,
             int64_t to_stride) {
  Add(rows, columns, from, from_stride, to, to_stride);
}

}  // namespace frugal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frugal {
HWY_EXPORT(Copy);
HWY_EXPORT(AddF32);
HWY_EXPORT(AddBf16);

template <class T>
void copy_rows(int64_t rows, int64_t columns, const T* from, int64_t from_stride, T* to, int64_t to_stride) {
  constexpr auto size = static_cast<int64_t>(sizeof(T));
  if (from_stride == columns && to_stride == columns) {
    std::memcpy(to, from, static_cast<size_t>(rows * columns * size));
    return;
  }
  HWY_DYNAMIC_DISPATCH(Copy)
  (rows, columns * size, reinterpret_cast<const uint8_t*>(from), from_stride * size,
   reinterpret_cast<uint8_t*>(to), to_stride * size);
}
template void copy_rows(int64_t, int64_t, const float*, int64_t, float*, int64_t);
template void copy_rows(int64_t, int64_t, const uint16_t*, int64_t, uint16_t*, int64_t);

template <>
void add_rows(int64_t rows, int64_t columns, const float* from, int64_t from_stride, float* to,
              int64_t to_stride) {
  HWY_DYNAMIC_DISPATCH(AddF32)(rows, columns, from, from_stride, to, to_stride);
}
template <>
void add_rows(int64_t rows, int64_t columns, const uint16_t* from, int64_t from_stride, uint16_t* to,
              int64_t to_stride) {
  HWY_DYNAMIC_DISPATCH(AddBf16)(rows, columns, from, from_stride, to, to_stride);
}

}  // namespace frugal
#endif

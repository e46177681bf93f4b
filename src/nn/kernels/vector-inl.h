// Loads and stores that let one kernel serve fp32 and bf16 tensors, and masks from bits. Included once per
// target, inside foreach_target.

#if defined(FRUGAL_NN_VECTOR_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef FRUGAL_NN_VECTOR_INL_H
#undef FRUGAL_NN_VECTOR_INL_H
#else
#define FRUGAL_NN_VECTOR_INL_H
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace frugal::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// bf16 travels as uint16_t. Highway's own conversions round differently from version to version, so both are
/// ours.
template <class D>
HWY_INLINE hn::Vec<D> LoadFloats(D d, const float* p) {
  return hn::LoadU(d, p);
}
template <class D>
HWY_INLINE hn::Vec<D> LoadFloats(D d, const uint16_t* p) {
  const hn::Rebind<uint16_t, D> d16;
  const hn::Rebind<uint32_t, D> d32;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, hn::LoadU(d16, p))));
}
template <class D>
HWY_INLINE void StoreFloats(D d, hn::Vec<D> v, float* p) {
  hn::StoreU(v, d, p);
}
/// Rounds to nearest even, as to_bf16.
template <class D>
HWY_INLINE void StoreFloats(D d, hn::Vec<D> v, uint16_t* p) {
  const hn::Rebind<uint16_t, D> d16;
  const hn::Rebind<uint32_t, D> d32;
  (void)d;
  const auto bits = hn::BitCast(d32, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d32, 1u));
  const auto rounded = hn::ShiftRight<16>(hn::Add(hn::Add(bits, hn::Set(d32, 0x7FFFu)), odd));
  hn::StoreU(hn::TruncateTo(d16, rounded), d16, p);
}

/// Begins to fetch n numbers into the second level of cache.
template <class T>
HWY_INLINE void Prefetch(const T* from, int64_t n) {
  for (int64_t i = 0; i < n; i += 64 / static_cast<int64_t>(sizeof(T))) __builtin_prefetch(from + i, 0, 2);
}

/// Likewise rows that will be walked column by column of vectors, if those are so far apart that processors
/// do not foresee them.
template <class T>
HWY_INLINE void PrefetchRows(const T* from, int64_t rows, int64_t c) {
  constexpr int64_t far = 256 / sizeof(T);
  if (c >= far) Prefetch(from, rows * c);
}

/// Lanes i of the mask are bits element + i. At least 8 bytes behind the last used one must be readable.
template <class D>
HWY_INLINE hn::Mask<D> MaskAt(D d, const uint8_t* bits, int64_t element) {
  if ((element & 7) == 0) return hn::LoadMaskBits(d, bits + element / 8);
  uint64_t word;
  std::memcpy(&word, bits + element / 8, 8);
  word >>= element & 7;
  uint8_t bytes[8];
  std::memcpy(bytes, &word, 8);
  return hn::LoadMaskBits(d, bytes);
}

/// The channels [c, channels) that fill no vector: one of 8, one of 4, then singles. The vectors of narrow
/// networks (12, 24, 36 channels) are mostly such ends.
template <class Body>
HWY_INLINE void ForLastChannels(int64_t c, int64_t channels, Body&& body) {
  constexpr size_t widest = hn::MaxLanes(hn::ScalableTag<float>());
  if constexpr (widest > 8) {
    if (c + 8 <= channels) body(hn::CappedTag<float, 8>(), c), c += 8;
  }
  if constexpr (widest > 4) {
    if (c + 4 <= channels) body(hn::CappedTag<float, 4>(), c), c += 4;
  }
  for (; c < channels; ++c) body(hn::CappedTag<float, 1>(), c);
}

/// Calls body(d, c) over [0, channels): whole vectors first, then the rest in ever narrower ones.
template <class Body>
HWY_INLINE void ForChannels(int64_t channels, Body&& body) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) body(d, c);
  ForLastChannels(c, channels, body);
}

/// Calls body(d, c, first, end) for vectors of channels within tiles of rows, [first, end): along a tile a
/// vector's coefficients and sums stay in registers, and between vectors the tile stays in L1.
template <class Body>
HWY_INLINE void ForTiles(int64_t rows, int64_t channels, Body&& body) {
  constexpr int64_t tile = 32;
  for (int64_t first = 0; first < rows; first += tile) {
    const int64_t end = std::min(first + tile, rows);
    ForChannels(channels, [&](auto d, int64_t c) HWY_ATTR { body(d, c, first, end); });
  }
}

}  // namespace frugal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/resample.cc"
#include "hwy/foreach_target.h"
// Order matters: foreach_target first.
#include <algorithm>

#include "hwy/highway.h"
#include "nn/kernels/resample.h"
#include "nn/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace frugal::HWY_NAMESPACE {

/// sum = [sum +] weighted sum of kTaps rows of n numbers; `row` numbers lie between a position and the next.
template <int kTaps, class T>
HWY_INLINE void AddTaps(const Taps::Tap* taps, const T* x, int64_t row, int64_t n, bool add, float* sum) {
  ForChannels(n, [&](auto d, int64_t i) HWY_ATTR {
    auto s = add ? hn::LoadU(d, sum + i) : hn::Zero(d);
    for (int k = 0; k < kTaps; ++k) {
      s = hn::MulAdd(hn::Set(d, taps[k].weight), LoadFloats(d, x + taps[k].from * row + i), s);
    }
    hn::StoreU(s, d, sum + i);
  });
}

/// Four rows at a time, so that `sum` stays in L1 and the rows stream past it once.
template <class T>
HWY_INLINE void SumRows(std::span<const Taps::Tap> taps, const T* x, int64_t row, int64_t n, float* sum) {
  if (taps.empty()) return std::fill_n(sum, n, 0.0f), void();
  size_t k = 0;
  for (; k + 4 <= taps.size(); k += 4) AddTaps<4>(&taps[k], x, row, n, k > 0, sum);
  switch (taps.size() - k) {
    case 3:
      return AddTaps<3>(&taps[k], x, row, n, k > 0, sum);
    case 2:
      return AddTaps<2>(&taps[k], x, row, n, k > 0, sum);
    case 1:
      return AddTaps<1>(&taps[k], x, row, n, k > 0, sum);
    default:
      return;
  }
}

/// One output position from the row of sums. kTaps 0: as many as there are.
template <int kTaps, class T>
HWY_INLINE void WriteColumn(std::span<const Taps::Tap> taps, const float* sums, int64_t channels, bool add,
                            T* y) {
  const int count = kTaps ? kTaps : static_cast<int>(taps.size());
  ForChannels(channels, [&](auto d, int64_t c) HWY_ATTR {
    auto s = add ? LoadFloats(d, y + c) : hn::Zero(d);
    for (int k = 0; k < count; ++k) {
      const Taps::Tap tap = taps[static_cast<size_t>(k)];
      s = hn::MulAdd(hn::Set(d, tap.weight), hn::LoadU(d, sums + tap.from * channels + c), s);
    }
    StoreFloats(d, s, y + c);
  });
}

bool Same(std::span<const Taps::Tap> a, std::span<const Taps::Tap> b) {
  return std::ranges::equal(
      a, b, [](const Taps::Tap& x, const Taps::Tap& y) { return x.from == y.from && x.weight == y.weight; });
}

/// What comes out of the same taps as its neighbour is copied: most of the gradient of an average.
template <class T>
HWY_INLINE void Resample(const ResampleShape& s, const T* x, T* y, bool accumulate, float* sums) {
  const int64_t row = s.w.out * s.c;
  for (int64_t oh = 0; oh < s.h.out; ++oh, y += row) {
    const bool same_row = oh > 0 && Same(s.h.of(oh), s.h.of(oh - 1));
    if (same_row && !accumulate) {
      std::copy_n(y - row, row, y);
      continue;
    }
    if (!same_row) SumRows(s.h.of(oh), x, s.w.in * s.c, s.w.in * s.c, sums);
    for (int64_t ow = 0; ow < s.w.out; ++ow) {
      const std::span<const Taps::Tap> taps = s.w.of(ow);
      T* to = y + ow * s.c;
      switch (taps.size()) {
        case 1:
          WriteColumn<1>(taps, sums, s.c, accumulate, to);
          break;
        case 2:
          WriteColumn<2>(taps, sums, s.c, accumulate, to);
          break;
        case 3:
          WriteColumn<3>(taps, sums, s.c, accumulate, to);
          break;
        default:
          WriteColumn<0>(taps, sums, s.c, accumulate, to);
      }
    }
  }
}

void ResampleF32(const ResampleShape& s, const float* x, float* y, bool accumulate, float* scratch) {
  Resample(s, x, y, accumulate, scratch);
}
void ResampleBf16(const ResampleShape& s, const uint16_t* x, uint16_t* y, bool accumulate, float* scratch) {
  Resample(s, x, y, accumulate, scratch);
}

}  // namespace frugal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frugal {
HWY_EXPORT(ResampleF32);
HWY_EXPORT(ResampleBf16);

template <>
void resample(const ResampleShape& shape, const float* x, float* y, bool accumulate, float* scratch) {
  HWY_DYNAMIC_DISPATCH(ResampleF32)(shape, x, y, accumulate, scratch);
}
template <>
void resample(const ResampleShape& shape, const uint16_t* x, uint16_t* y, bool accumulate, float* scratch) {
  HWY_DYNAMIC_DISPATCH(ResampleBf16)(shape, x, y, accumulate, scratch);
}

}  // namespace frugal
#endif

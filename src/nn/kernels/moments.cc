#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/moments.cc"
#include "hwy/foreach_target.h"
// Order matters: foreach_target first.
#include <algorithm>

#include "hwy/highway.h"
#include "nn/kernels/moments.h"
#include "nn/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace frugal::HWY_NAMESPACE {

/// Sum of f(row) over rows [0, rows), in four independent chains so that additions overlap.
template <class D, class F>
HWY_INLINE hn::Vec<D> SumRows(D d, int64_t rows, F&& f) {
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    s0 = f(r, s0), s1 = f(r + 1, s1), s2 = f(r + 2, s2), s3 = f(r + 3, s3);
  }
  for (; r < rows; ++r) s0 = f(r, s0);
  return hn::Add(hn::Add(s0, s1), hn::Add(s2, s3));
}

/// Tile by tile: a tile is read twice, but the second time from L1; tiles are combined by Chan's formula.
template <class T>
void Moments(const T* x, int64_t rows, int64_t c, float* mean, float* m2) {
  constexpr int64_t tile_rows = 64;
  for (int64_t first = 0; first < rows; first += tile_rows) {
    const int64_t next = first + tile_rows, count = std::min(tile_rows, rows - first);
    PrefetchRows(x + next * c, std::min(tile_rows, rows - next), c);
    const float total = static_cast<float>(first + count);
    const float weight = static_cast<float>(count) / total;
    const float m2_weight = static_cast<float>(first) * weight;
    ForChannels(c, [&](auto d, int64_t k) HWY_ATTR {
      const T* column = x + first * c + k;
      auto tile_mean = SumRows(
          d, count, [&](int64_t r, auto s) HWY_ATTR { return hn::Add(s, LoadFloats(d, column + r * c)); });
      tile_mean = hn::Mul(tile_mean, hn::Set(d, 1.0f / static_cast<float>(count)));
      const auto tile_m2 = SumRows(d, count, [&](int64_t r, auto s) HWY_ATTR {
        const auto deviation = hn::Sub(LoadFloats(d, column + r * c), tile_mean);
        return hn::MulAdd(deviation, deviation, s);
      });
      if (first == 0) {
        hn::StoreU(tile_mean, d, mean + k);
        hn::StoreU(tile_m2, d, m2 + k);
        return;
      }
      const auto old_mean = hn::LoadU(d, mean + k);
      const auto delta = hn::Sub(tile_mean, old_mean);
      hn::StoreU(hn::MulAdd(delta, hn::Set(d, weight), old_mean), d, mean + k);
      const auto sum_m2 = hn::Add(hn::LoadU(d, m2 + k), tile_m2);
      hn::StoreU(hn::MulAdd(hn::Mul(delta, delta), hn::Set(d, m2_weight), sum_m2), d, m2 + k);
    });
  }
}

template <class T>
void Sums(const T* x, int64_t rows, int64_t c, float* sum) {
  ForChannels(c, [&](auto d, int64_t k) HWY_ATTR {
    const auto s = SumRows(
        d, rows, [&](int64_t r, auto acc) HWY_ATTR { return hn::Add(acc, LoadFloats(d, x + r * c + k)); });
    hn::StoreU(s, d, sum + k);
  });
}

void MomentsF32(const float* x, int64_t rows, int64_t c, float* mean, float* m2) {
  Moments(x, rows, c, mean, m2);
}
void MomentsBf16(const uint16_t* x, int64_t rows, int64_t c, float* mean, float* m2) {
  Moments(x, rows, c, mean, m2);
}
void SumsF32(const float* x, int64_t rows, int64_t c, float* sum) { Sums(x, rows, c, sum); }
void SumsBf16(const uint16_t* x, int64_t rows, int64_t c, float* sum) { Sums(x, rows, c, sum); }

}  // namespace frugal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frugal {
HWY_EXPORT(MomentsF32);
HWY_EXPORT(MomentsBf16);
HWY_EXPORT(SumsF32);
HWY_EXPORT(SumsBf16);

template <>
void channel_moments(const float* x, int64_t rows, int64_t c, float* mean, float* m2) {
  HWY_DYNAMIC_DISPATCH(MomentsF32)(x, rows, c, mean, m2);
}
template <>
void channel_moments(const uint16_t* x, int64_t rows, int64_t c, float* mean, float* m2) {
  HWY_DYNAMIC_DISPATCH(MomentsBf16)(x, rows, c, mean, m2);
}
template <>
void channel_sums(const float* x, int64_t rows, int64_t c, float* sum) {
  HWY_DYNAMIC_DISPATCH(SumsF32)(x, rows, c, sum);
}
template <>
void channel_sums(const uint16_t* x, int64_t rows, int64_t c, float* sum) {
  HWY_DYNAMIC_DISPATCH(SumsBf16)(x, rows, c, sum);
}

void combine_moments(int64_t c, int64_t count_a, float* mean_a, float* m2_a, int64_t count_b,
                     const float* mean_b, const float* m2_b) {
  const double total = static_cast<double>(count_a + count_b);
  const auto weight_b = static_cast<float>(static_cast<double>(count_b) / total);
  const auto m2_weight =
      static_cast<float>(static_cast<double>(count_a) * static_cast<double>(count_b) / total);
  for (int64_t k = 0; k < c; ++k) {
    const float delta = mean_b[k] - mean_a[k];
    mean_a[k] += delta * weight_b;
    m2_a[k] += m2_b[k] + delta * delta * m2_weight;
  }
}

}  // namespace frugal
#endif

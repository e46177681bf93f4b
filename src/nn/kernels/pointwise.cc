#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/pointwise.cc"
#include "hwy/foreach_target.h"
// Order matters: foreach_target first.
#include <algorithm>
#include <initializer_list>

#include "hwy/highway.h"
#include "nn/kernels/activation.h"
#include "nn/kernels/pointwise.h"
#include "nn/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace frugal::HWY_NAMESPACE {

/// Numbers of an fp32 tile for activations that are computed apart: 16 KiB.
constexpr int64_t tile_elements = 4096;

/// Calls body(first, rows) for each tile of rows, while the next tile of `reads` is fetched. Wide rows make
/// short tiles, but at least one row.
template <class T, class Body>
HWY_INLINE void ForRowTiles(const Pointwise<T>& p, std::initializer_list<const T*> reads, Body&& body) {
  const int64_t tile = std::max<int64_t>(1, tile_elements / p.c);
  for (int64_t first = 0; first < p.rows; first += tile) {
    const int64_t next = first + tile;
    for (const T* tensor : reads) {
      if (tensor) PrefetchRows(tensor + next * p.c, std::min(tile, p.rows - next), p.c);
    }
    body(first, std::min(tile, p.rows - first));
  }
}

template <class T>
bool NeedsTile(const Pointwise<T>& p) {
  return p.active && p.activation != Activation::relu;
}

/// There is the activation and nothing else, so that no tile needs to lie between x and y.
template <class T>
bool IsBare(const Pointwise<T>& p) {
  return NeedsTile(p) && !p.scale && p.factor == 1 && !p.addend && !p.keep && p.keep_scale == 1;
}

/// Affine step, drop-path and addition, for one vector of channels.
template <bool kAdd, class D, class T>
struct Front {
  D d;
  hn::Vec<D> scale, shift;
  const T *x, *addend;
  HWY_INLINE Front(D d_, const Pointwise<T>& p, int64_t c)
      : d(d_),
        scale(hn::Mul(p.scale ? hn::LoadU(d_, p.scale + c) : hn::Set(d_, 1.0f), hn::Set(d_, p.factor))),
        shift(hn::Mul(p.scale ? hn::LoadU(d_, p.shift + c) : hn::Zero(d_), hn::Set(d_, p.factor))),
        x(p.x),
        addend(p.addend) {}
  HWY_INLINE hn::Vec<D> operator()(int64_t at) const {
    auto v = hn::MulAdd(LoadFloats(d, x + at), scale, shift);
    if constexpr (kAdd) v = hn::Add(v, LoadFloats(d, addend + at));
    return v;
  }
};

template <bool kAdd, class T>
HWY_INLINE void ForwardTile(const Pointwise<T>& p, int64_t first, int64_t rows, T* y) {
  // "Below the floor is zero" rather than Max, which would lose NaN; nothing is below -inf.
  const float floor = p.relu() ? 0.0f : -HUGE_VALF;
  ForChannels(p.c, [&](auto d, int64_t c) HWY_ATTR {
    const Front<kAdd, decltype(d), T> front(d, p, c);
    const auto vfloor = hn::Set(d, floor), keep_scale = hn::Set(d, p.keep_scale);
    for (int64_t at = first * p.c + c; at < (first + rows) * p.c; at += p.c) {
      auto v = front(at);
      v = hn::IfThenZeroElse(hn::Lt(v, vfloor), v);
      // A dropped NaN stays NaN, as 0 * NaN does in PyTorch.
      if (p.keep) v = hn::IfThenElse(hn::Or(MaskAt(d, p.keep, at), hn::IsNaN(v)), v, hn::Zero(d));
      StoreFloats(d, hn::Mul(v, keep_scale), y + at);
    }
  });
}

/// What reaches the activation, as fp32: channels [c0, c0 + width) of the tile's rows, densely.
template <bool kAdd, class T>
HWY_INLINE void FrontTile(const Pointwise<T>& p, int64_t first, int64_t rows, int64_t c0, int64_t width,
                          float* z) {
  ForChannels(width, [&](auto d, int64_t c) HWY_ATTR {
    const Front<kAdd, decltype(d), T> front(d, p, c0 + c);
    for (int64_t r = 0; r < rows; ++r) hn::StoreU(front((first + r) * p.c + c0 + c), d, z + r * width + c);
  });
}

/// Calls body(c0, width) for parts of a row that fit into a tile.
template <class T, class Body>
HWY_INLINE void ForParts(const Pointwise<T>& p, Body&& body) {
  for (int64_t c0 = 0; c0 < p.c; c0 += tile_elements) body(c0, std::min(tile_elements, p.c - c0));
}

template <bool kAdd, class T>
HWY_INLINE void ForwardByTile(const Pointwise<T>& p, T* y) {
  HWY_ALIGN float z[tile_elements];
  ForRowTiles(p, {p.x, p.addend}, [&](int64_t first, int64_t rows) HWY_ATTR {
    ForParts(p, [&](int64_t c0, int64_t width) HWY_ATTR {
      FrontTile<kAdd>(p, first, rows, c0, width, z);
      activation_forward<T>(p.activation, p.alpha, z, z, rows * width);
      ForChannels(width, [&](auto d, int64_t c) HWY_ATTR {
        for (int64_t r = 0; r < rows; ++r) {
          const int64_t at = (first + r) * p.c + c0 + c;
          auto v = hn::LoadU(d, z + r * width + c);
          if (p.keep) v = hn::IfThenElse(hn::Or(MaskAt(d, p.keep, at), hn::IsNaN(v)), v, hn::Zero(d));
          StoreFloats(d, hn::Mul(v, hn::Set(d, p.keep_scale)), y + at);
        }
      });
    });
  });
}

template <bool kAdd, class T>
HWY_INLINE void ForwardWith(const Pointwise<T>& p, T* y) {
  if (NeedsTile(p)) return ForwardByTile<kAdd>(p, y);
  ForRowTiles(p, {p.x, p.addend},
              [&](int64_t first, int64_t rows) HWY_ATTR { ForwardTile<kAdd>(p, first, rows, y); });
}

template <class T>
HWY_INLINE void Forward(const Pointwise<T>& p, T* y) {
  if (IsBare(p)) return activation_forward<T>(p.activation, p.alpha, p.x, y, p.rows * p.c);
  p.addend ? ForwardWith<true>(p, y) : ForwardWith<false>(p, y);
}

/// The gradient before the activation, at one place: how it is found out.
enum class Mask { none, from_y, from_x };

template <Mask kMask, class D, class T>
struct GradientAt {
  D d;
  Front<false, D, T> front;
  hn::Vec<D> keep_scale;
  const T *y, *dy;
  const uint8_t* keep;
  HWY_INLINE GradientAt(D d_, const Pointwise<T>& p, const PointwiseGradient<T>& how, int64_t c)
      : d(d_), front(d_, p, c), keep_scale(hn::Set(d_, p.keep_scale)), y(how.y), dy(how.dy), keep(p.keep) {}
  HWY_INLINE hn::Vec<D> operator()(int64_t at, int64_t /*row*/) const {
    auto g = hn::Mul(LoadFloats(d, dy + at), keep_scale);
    if constexpr (kMask == Mask::from_y) {
      // ReLU passes nothing at zero, and an element that dropout zeroed is zero too.
      return hn::IfThenElseZero(hn::Gt(LoadFloats(d, y + at), hn::Zero(d)), g);
    }
    if constexpr (kMask == Mask::from_x) g = hn::IfThenElseZero(hn::Gt(front(at), hn::Zero(d)), g);
    if (keep) g = hn::IfThenElseZero(MaskAt(d, keep, at), g);
    return g;
  }
};

/// Likewise, from a tile of fp32 where it has been computed: rows of `width` numbers.
template <class D>
struct TileGradientAt {
  D d;
  const float* column;
  int64_t width;
  HWY_INLINE hn::Vec<D> operator()(int64_t /*at*/, int64_t row) const {
    return hn::LoadU(d, column + row * width);
  }
};

template <class G, class D, class T>
HWY_INLINE void SumsOf(D d, const G& gradient, const Pointwise<T>& p, int64_t first, int64_t rows, int64_t c,
                       const float* mean, float* sum_g, float* sum_gx) {
  auto sum = hn::Zero(d), sum_x = hn::Zero(d);
  const auto vmean = hn::LoadU(d, mean + c), factor = hn::Set(d, p.factor);
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t at = (first + row) * p.c + c;
    const auto g = gradient(at, row);
    sum = hn::Add(sum, g);
    sum_x = hn::MulAdd(g, hn::Sub(LoadFloats(d, p.x + at), vmean), sum_x);
  }
  hn::StoreU(hn::MulAdd(sum, factor, hn::LoadU(d, sum_g + c)), d, sum_g + c);
  hn::StoreU(hn::MulAdd(sum_x, factor, hn::LoadU(d, sum_gx + c)), d, sum_gx + c);
}

template <class G, class D, class T>
HWY_INLINE void WriteInput(D d, const G& gradient, const Pointwise<T>& p, int64_t first, int64_t rows,
                           int64_t c, const PointwiseTargets<T>& t) {
  const auto load = [&](const float* from) HWY_ATTR { return from ? hn::LoadU(d, from + c) : hn::Zero(d); };
  const auto a = hn::Mul(t.a ? hn::LoadU(d, t.a + c) : hn::Set(d, 1.0f), hn::Set(d, p.factor));
  const auto b = load(t.b), mean = load(t.mean), offset = load(t.offset);
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t at = (first + row) * p.c + c;
    const auto g = gradient(at, row);
    if (t.dx) {
      auto v = t.b ? hn::MulAdd(a, g, hn::MulAdd(b, hn::Sub(LoadFloats(d, p.x + at), mean), offset))
                   : hn::Mul(a, g);
      if (t.add_dx) v = hn::Add(v, LoadFloats(d, t.dx + at));
      StoreFloats(d, v, t.dx + at);
    }
    if (t.daddend) {
      const auto v = t.add_daddend ? hn::Add(g, LoadFloats(d, t.daddend + at)) : g;
      StoreFloats(d, v, t.daddend + at);
    }
  }
}

/// Calls use(d, gradient, first, rows, c) for every vector of channels of every tile, with the gradient
/// before the activation as a function of the place. `use_reads_x`: it reads x too.
template <class T, class Use>
HWY_INLINE void ForGradients(const Pointwise<T>& p, const PointwiseGradient<T>& how, bool use_reads_x,
                             Use&& use) {
  const auto with_mask = [&](auto mask) HWY_ATTR {
    constexpr Mask kMask = decltype(mask)::value;
    const T* x = use_reads_x || kMask == Mask::from_x ? p.x : nullptr;
    const T* y = kMask == Mask::from_y ? how.y : nullptr;
    ForRowTiles(p, {x, y, how.dy}, [&](int64_t first, int64_t rows) HWY_ATTR {
      ForChannels(p.c, [&](auto d, int64_t c) HWY_ATTR {
        use(d, GradientAt<kMask, decltype(d), T>(d, p, how, c), first, rows, c);
      });
    });
  };
  if (!p.active) return with_mask(std::integral_constant<Mask, Mask::none>());
  if (p.relu()) {
    return how.y ? with_mask(std::integral_constant<Mask, Mask::from_y>())
                 : with_mask(std::integral_constant<Mask, Mask::from_x>());
  }
  HWY_ALIGN float z[tile_elements];
  HWY_ALIGN float g[tile_elements];
  ForRowTiles(p, {p.x, p.addend, how.dy}, [&](int64_t first, int64_t rows) HWY_ATTR {
    ForParts(p, [&](int64_t c0, int64_t width) HWY_ATTR {
      p.addend ? FrontTile<true>(p, first, rows, c0, width, z)
               : FrontTile<false>(p, first, rows, c0, width, z);
      ForChannels(width, [&](auto d, int64_t c) HWY_ATTR {
        const GradientAt<Mask::none, decltype(d), T> plain(d, p, how, c0 + c);
        for (int64_t r = 0; r < rows; ++r) {
          hn::StoreU(plain((first + r) * p.c + c0 + c, r), d, g + r * width + c);
        }
      });
      activation_gradient<T>(p.activation, p.alpha, z, g, g, rows * width);
      ForChannels(width, [&](auto d, int64_t c) HWY_ATTR {
        const TileGradientAt<decltype(d)> gradient{d, g + c, width};
        use(d, gradient, first, rows, c0 + c);
      });
    });
  });
}

template <class T>
HWY_INLINE void Sums(const Pointwise<T>& p, const PointwiseGradient<T>& how, const float* mean, float* sum_g,
                     float* sum_gx) {
  ForGradients(p, how, true,
               [&](auto d, const auto& gradient, int64_t first, int64_t rows, int64_t c)
                   HWY_ATTR { SumsOf(d, gradient, p, first, rows, c, mean, sum_g, sum_gx); });
}

template <class T>
HWY_INLINE void Input(const Pointwise<T>& p, const PointwiseGradient<T>& how, const PointwiseTargets<T>& t) {
  if (IsBare(p) && !t.a && !t.b && t.dx && !t.add_dx && !t.daddend) {
    return activation_gradient<T>(p.activation, p.alpha, p.x, how.dy, t.dx, p.rows * p.c);
  }
  const bool reads_x = t.dx && t.b;
  ForGradients(p, how, reads_x,
               [&](auto d, const auto& gradient, int64_t first, int64_t rows, int64_t c)
                   HWY_ATTR { WriteInput(d, gradient, p, first, rows, c, t); });
}

// HWY_EXPORT takes functions, not templates.
void ForwardF32(const Pointwise<float>& p, float* y) { Forward(p, y); }
void ForwardBf16(const Pointwise<uint16_t>& p, uint16_t* y) { Forward(p, y); }
void SumsF32(const Pointwise<float>& p, const PointwiseGradient<float>& how, const float* mean, float* sum_g,
             float* sum_gx) {
  Sums(p, how, mean, sum_g, sum_gx);
}
void SumsBf16(const Pointwise<uint16_t>& p, const PointwiseGradient<uint16_t>& how, const float* mean,
              float* sum_g, float* sum_gx) {
  Sums(p, how, mean, sum_g, sum_gx);
}
void InputF32(const Pointwise<float>& p, const PointwiseGradient<float>& how,
              const PointwiseTargets<float>& t) {
  Input(p, how, t);
}
void InputBf16(const Pointwise<uint16_t>& p, const PointwiseGradient<uint16_t>& how,
               const PointwiseTargets<uint16_t>& t) {
  Input(p, how, t);
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
void pointwise_forward(const Pointwise<float>& p, float* y) {
  HWY_DYNAMIC_DISPATCH(ForwardF32)(p, y);
}
template <>
void pointwise_forward(const Pointwise<uint16_t>& p, uint16_t* y) {
  HWY_DYNAMIC_DISPATCH(ForwardBf16)(p, y);
}
template <>
void pointwise_backward_sums(const Pointwise<float>& p, const PointwiseGradient<float>& how,
                             const float* mean, float* sum_g, float* sum_gx) {
  HWY_DYNAMIC_DISPATCH(SumsF32)(p, how, mean, sum_g, sum_gx);
}
template <>
void pointwise_backward_sums(const Pointwise<uint16_t>& p, const PointwiseGradient<uint16_t>& how,
                             const float* mean, float* sum_g, float* sum_gx) {
  HWY_DYNAMIC_DISPATCH(SumsBf16)(p, how, mean, sum_g, sum_gx);
}
template <>
void pointwise_backward_input(const Pointwise<float>& p, const PointwiseGradient<float>& how,
                              const PointwiseTargets<float>& targets) {
  HWY_DYNAMIC_DISPATCH(InputF32)(p, how, targets);
}
template <>
void pointwise_backward_input(const Pointwise<uint16_t>& p, const PointwiseGradient<uint16_t>& how,
                              const PointwiseTargets<uint16_t>& targets) {
  HWY_DYNAMIC_DISPATCH(InputBf16)(p, how, targets);
}

}  // namespace frugal
#endif

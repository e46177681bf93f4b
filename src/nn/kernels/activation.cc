#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/activation.cc"
#include "hwy/foreach_target.h"
// Order matters: foreach_target first.
#include <algorithm>
#include <iterator>
#include <type_traits>

#include "base/error.h"
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"
#include "nn/kernels/activation.h"
#include "nn/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace frugal::HWY_NAMESPACE {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Highway's functions are meant for finite arguments in range. So all arguments are cut to where the result
// has reached its limit, which turns NaN into some number; the loops below put NaN back.
HWY_INLINE V Cut(D d, V z, float low, float high) {
  return hn::Min(hn::Max(z, hn::Set(d, low)), hn::Set(d, high));
}
constexpr float exp_is_zero = -104.5f;

/// e^z for z <= 0; what is positive must not exceed 88.
HWY_INLINE V Exp(D d, V z) { return hn::Exp(d, hn::Max(z, hn::Set(d, exp_is_zero))); }

/// The logistic function s and its derivative, both from e^-|z|, which neither overflows nor cancels.
struct Logistic {
  V value, slope;
  HWY_INLINE Logistic(D d, V z) {
    const V e = Exp(d, hn::Neg(hn::Abs(z)));
    const V r = hn::Div(hn::Set(d, 1.0f), hn::Add(hn::Set(d, 1.0f), e));
    const V er = hn::Mul(e, r);
    value = hn::IfThenElse(hn::Lt(z, hn::Zero(d)), er, r);
    slope = hn::Mul(er, r);
  }
};

/// The normal distribution's density and its integral from -inf. The tail by tools/fits/normal_tail.py, which
/// says how: 2.8e-8 from the truth, relative, in exact arithmetic.
struct Normal {
  V value, slope;
  HWY_INLINE Normal(D d, V z) {
    const V a = hn::Min(hn::Abs(z), hn::Set(d, 15.0f));
    const V e = Exp(d, hn::Mul(hn::Mul(a, a), hn::Set(d, -0.5f)));
    const V t = hn::Div(hn::Set(d, 1.0f), hn::MulAdd(a, hn::Set(d, 0.26f), hn::Set(d, 1.0f)));
    V q = hn::Set(d, 0.0302301438f);
    for (const float coefficient : {-0.15149372f, 0.248731824f, -0.147787876f, 0.158757822f, 0.0519651909f,
                                    0.102788595f, 0.103050985f, 0.103757021f}) {
      q = hn::MulAdd(q, t, hn::Set(d, coefficient));
    }
    const V tail = hn::Mul(e, hn::Mul(q, t));
    value = hn::IfThenElse(hn::Lt(z, hn::Zero(d)), tail, hn::Sub(hn::Set(d, 1.0f), tail));
    slope = hn::Mul(e, hn::Set(d, 0.3989422804f));  // 1 / sqrt(2 pi)
  }
};

// Each function: Value(d, z, alpha) and Slope(d, z, alpha).

struct Relu {
  static HWY_INLINE V Value(D d, V z, V) { return hn::Max(z, hn::Zero(d)); }
  static HWY_INLINE V Slope(D d, V z, V) {
    return hn::IfThenElseZero(hn::Gt(z, hn::Zero(d)), hn::Set(d, 1.0f));
  }
};

struct Relu6 {
  static HWY_INLINE V Value(D d, V z, V) { return Cut(d, z, 0, 6); }
  static HWY_INLINE V Slope(D d, V z, V) {
    const auto inside = hn::And(hn::Gt(z, hn::Zero(d)), hn::Lt(z, hn::Set(d, 6.0f)));
    return hn::IfThenElseZero(inside, hn::Set(d, 1.0f));
  }
};

struct LeakyRelu {
  static HWY_INLINE V Value(D d, V z, V alpha) {
    return hn::IfThenElse(hn::Gt(z, hn::Zero(d)), z, hn::Mul(z, alpha));
  }
  static HWY_INLINE V Slope(D d, V z, V alpha) {
    return hn::IfThenElse(hn::Gt(z, hn::Zero(d)), hn::Set(d, 1.0f), alpha);
  }
};

struct Elu {
  static HWY_INLINE V Value(D d, V z, V alpha) {
    const V below = hn::Mul(alpha, hn::Expm1(d, Cut(d, z, exp_is_zero, 0)));
    return hn::IfThenElse(hn::Gt(z, hn::Zero(d)), z, below);
  }
  static HWY_INLINE V Slope(D d, V z, V alpha) {
    const V below = hn::Mul(alpha, Exp(d, hn::Min(z, hn::Zero(d))));
    return hn::IfThenElse(hn::Gt(z, hn::Zero(d)), hn::Set(d, 1.0f), below);
  }
};

struct Gelu {
  static HWY_INLINE V Value(D d, V z, V) { return hn::Mul(z, Normal(d, z).value); }
  static HWY_INLINE V Slope(D d, V z, V) {
    const Normal normal(d, z);
    return hn::MulAdd(Cut(d, z, -15, 15), normal.slope, normal.value);
  }
};

/// GELU for results that are rounded to bf16: the normal distribution's integral and GELU's derivative are
/// 1/2 plus odd functions of z, here polynomials by tools/fits/gelu_bf16.py, which says how: 1.7e-6
/// and 2.5e-5 from the truth. No exponential and no division, so it takes about half of Gelu's time.
struct GeluForBf16 {
  static constexpr float end = 4.75f;
  /// Where z < -end, 0, so that nothing is left of a large negative z.
  static HWY_INLINE V HalfAndOdd(D d, V z, const float (&q)[11]) {
    const V c = Cut(d, z, -end, end);
    const V s = hn::MulSub(hn::Mul(c, c), hn::Set(d, 2 / (end * end)), hn::Set(d, 1.0f));
    // Even and odd powers apart: one chain of ten multiplications would be waited for.
    const V s2 = hn::Mul(s, s);
    V even = hn::Set(d, q[0]), odd = hn::Set(d, q[1]);
    for (size_t i = 2; i < std::size(q); i += 2) even = hn::MulAdd(even, s2, hn::Set(d, q[i]));
    for (size_t i = 3; i < std::size(q); i += 2) odd = hn::MulAdd(odd, s2, hn::Set(d, q[i]));
    const V sum = hn::MulAdd(odd, s, even);
    return hn::IfThenZeroElse(hn::Lt(z, hn::Set(d, -end)), hn::MulAdd(c, sum, hn::Set(d, 0.5f)));
  }
  static HWY_INLINE V Value(D d, V z, V) {
    constexpr float integral[] = {0.0015905695f, -0.00403322699f, 0.00441874797f, -0.00668885792f,
                                  0.0137912082f, -0.0219352115f,  0.0303071458f,  -0.0405072346f,
                                  0.0532428473f, -0.0736709163f,  0.148748219f};
    return hn::Mul(z, HalfAndOdd(d, z, integral));
  }
  static HWY_INLINE V Slope(D d, V z, V) {
    constexpr float derivative[] = {0.0222164597f, -0.0501652285f, 0.0356759354f, -0.0336968675f,
                                    0.0770915225f, -0.0994512513f, 0.0906973183f, -0.0811902359f,
                                    0.0756665543f, -0.0817379504f, 0.150167033f};
    return HalfAndOdd(d, z, derivative);
  }
};

/// z / 2 * (1 + tanh(u / 2)) with u = 2 sqrt(2 / pi) (z + 0.044715 z^3) is z times the logistic function of
/// u.
struct GeluTanh {
  static constexpr float linear = 1.5957691216f, cubic = linear * 0.044715f;
  static HWY_INLINE V U(D d, V c) {
    return hn::Mul(c, hn::MulAdd(hn::Mul(c, c), hn::Set(d, cubic), hn::Set(d, linear)));
  }
  static HWY_INLINE V Value(D d, V z, V) { return hn::Mul(z, Logistic(d, U(d, Cut(d, z, -20, 20))).value); }
  static HWY_INLINE V Slope(D d, V z, V) {
    const V c = Cut(d, z, -20, 20);
    const Logistic logistic(d, U(d, c));
    const V du = hn::MulAdd(hn::Mul(c, c), hn::Set(d, 3 * cubic), hn::Set(d, linear));
    return hn::MulAdd(hn::Mul(c, du), logistic.slope, logistic.value);
  }
};

struct Silu {
  static HWY_INLINE V Value(D d, V z, V) { return hn::Mul(z, Logistic(d, z).value); }
  static HWY_INLINE V Slope(D d, V z, V) {
    const Logistic logistic(d, z);
    return hn::MulAdd(Cut(d, z, exp_is_zero, -exp_is_zero), logistic.slope, logistic.value);
  }
};

/// tanh(log(1 + e)) = n / (n + 2) with e = e^z and n = e (e + 2); at z = 20 that is 1 in fp32.
struct Mish {
  static HWY_INLINE V Value(D d, V z, V) {
    const V two = hn::Set(d, 2.0f), e = Exp(d, hn::Min(z, hn::Set(d, 20.0f)));
    const V n = hn::Mul(e, hn::Add(e, two));
    return hn::Mul(z, hn::Div(n, hn::Add(n, two)));
  }
  /// The derivative of n / (n + 2) is 4 e (1 + e) / (n + 2)^2.
  static HWY_INLINE V Slope(D d, V z, V) {
    const V c = Cut(d, z, exp_is_zero, 20), e = Exp(d, c);
    const V one = hn::Set(d, 1.0f), two = hn::Set(d, 2.0f);
    const V n = hn::Mul(e, hn::Add(e, two)), r = hn::Div(one, hn::Add(n, two));
    const V e4 = hn::Mul(hn::Mul(hn::Set(d, 4.0f), e), r);
    return hn::MulAdd(hn::Mul(c, e4), hn::Mul(hn::Add(one, e), r), hn::Mul(n, r));
  }
};

struct Hardsigmoid {
  static HWY_INLINE V Value(D d, V z, V) {
    return hn::Mul(Cut(d, hn::Add(z, hn::Set(d, 3.0f)), 0, 6), hn::Set(d, 1.0f / 6));
  }
  static HWY_INLINE V Slope(D d, V z, V) {
    return hn::IfThenElseZero(hn::Lt(hn::Abs(z), hn::Set(d, 3.0f)), hn::Set(d, 1.0f / 6));
  }
};

struct Hardswish {
  static HWY_INLINE V Value(D d, V z, V alpha) { return hn::Mul(z, Hardsigmoid::Value(d, z, alpha)); }
  static HWY_INLINE V Slope(D d, V z, V) {
    const V three = hn::Set(d, 3.0f), middle = hn::MulAdd(z, hn::Set(d, 1.0f / 3), hn::Set(d, 0.5f));
    const V right = hn::IfThenElse(hn::Gt(z, three), hn::Set(d, 1.0f), middle);
    return hn::IfThenZeroElse(hn::Lt(z, hn::Neg(three)), right);
  }
};

struct Sigmoid {
  static HWY_INLINE V Value(D d, V z, V) { return Logistic(d, z).value; }
  static HWY_INLINE V Slope(D d, V z, V) { return Logistic(d, z).slope; }
};

/// tanh(z) = 2 s(2z) - 1 with the logistic function s: hence the derivative; the value would cancel near 0.
struct Tanh {
  static HWY_INLINE V Value(D d, V z, V) { return hn::Tanh(d, Cut(d, z, -20, 20)); }
  static HWY_INLINE V Slope(D d, V z, V) {
    return hn::Mul(hn::Set(d, 4.0f), Logistic(d, hn::Add(z, z)).slope);
  }
};

/// Whole vectors, then the rest in a padded one, so that an element's bits do not depend on its place.
template <class Vectors>
HWY_INLINE void ForVectors(int64_t n, Vectors&& vectors) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(D()));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) vectors(i, lanes);
  if (i < n) vectors(i, n - i);
}

/// One vector of memory: whole, or the last `count` numbers of it, beside zeros.
template <class T>
HWY_INLINE V Load(const T* from, int64_t count) {
  const D d;
  if (static_cast<size_t>(count) == hn::Lanes(d)) return LoadFloats(d, from);
  T padded[hn::MaxLanes(D())] = {};
  std::copy_n(from, count, padded);
  return LoadFloats(d, padded);
}
template <class T>
HWY_INLINE void Store(V v, T* to, int64_t count) {
  const D d;
  if (static_cast<size_t>(count) == hn::Lanes(d)) return StoreFloats(d, v, to);
  T padded[hn::MaxLanes(D())];
  StoreFloats(d, v, padded);
  std::copy_n(padded, count, to);
}

template <class Function, class T>
HWY_NOINLINE void Values(float alpha, const T* x, T* y, int64_t n) {
  const D d;
  const V a = hn::Set(d, alpha);
  ForVectors(n, [&](int64_t i, int64_t count) HWY_ATTR {
    const V v = Load(x + i, count);
    Store(hn::IfThenElse(hn::IsNaN(v), v, Function::Value(d, v, a)), y + i, count);
  });
}

template <class Function, class T>
HWY_NOINLINE void Slopes(float alpha, const T* x, const T* dy, T* dx, int64_t n) {
  const D d;
  const V a = hn::Set(d, alpha);
  ForVectors(n, [&](int64_t i, int64_t count) HWY_ATTR {
    const V v = Load(x + i, count);
    const V slope = hn::IfThenElse(hn::IsNaN(v), v, Function::Slope(d, v, a));
    Store(hn::Mul(Load(dy + i, count), slope), dx + i, count);
  });
}

template <class Stored, class F>
HWY_INLINE void WithFunction(Activation kind, F&& f) {
  switch (kind) {
    case Activation::relu:
      return f(Relu());
    case Activation::relu6:
      return f(Relu6());
    case Activation::leaky_relu:
      return f(LeakyRelu());
    case Activation::elu:
      return f(Elu());
    case Activation::gelu:
      if constexpr (std::is_same_v<Stored, uint16_t>) return f(GeluForBf16());
      return f(Gelu());
    case Activation::gelu_tanh:
      return f(GeluTanh());
    case Activation::silu:
      return f(Silu());
    case Activation::mish:
      return f(Mish());
    case Activation::hardswish:
      return f(Hardswish());
    case Activation::hardsigmoid:
      return f(Hardsigmoid());
    case Activation::sigmoid:
      return f(Sigmoid());
    case Activation::tanh:
      return f(Tanh());
    case Activation::prelu:
      break;
  }
  throw Error("prelu is no function of one number: its slopes are parameters");
}

template <class Stored, class T>
HWY_INLINE void Forward(Activation kind, float alpha, const T* x, T* y, int64_t n) {
  WithFunction<Stored>(kind, [&](auto function) { Values<decltype(function)>(alpha, x, y, n); });
}
template <class Stored, class T>
HWY_INLINE void Gradient(Activation kind, float alpha, const T* x, const T* dy, T* dx, int64_t n) {
  WithFunction<Stored>(kind, [&](auto function) { Slopes<decltype(function)>(alpha, x, dy, dx, n); });
}

// HWY_EXPORT takes functions, not templates.
void ForwardF32(Activation kind, float alpha, const float* x, float* y, int64_t n) {
  Forward<float>(kind, alpha, x, y, n);
}
void ForwardTile(Activation kind, float alpha, const float* x, float* y, int64_t n) {
  Forward<uint16_t>(kind, alpha, x, y, n);
}
void ForwardBf16(Activation kind, float alpha, const uint16_t* x, uint16_t* y, int64_t n) {
  Forward<uint16_t>(kind, alpha, x, y, n);
}
void GradientF32(Activation kind, float alpha, const float* x, const float* dy, float* dx, int64_t n) {
  Gradient<float>(kind, alpha, x, dy, dx, n);
}
void GradientTile(Activation kind, float alpha, const float* x, const float* dy, float* dx, int64_t n) {
  Gradient<uint16_t>(kind, alpha, x, dy, dx, n);
}
void GradientBf16(Activation kind, float alpha, const uint16_t* x, const uint16_t* dy, uint16_t* dx,
                  int64_t n) {
  Gradient<uint16_t>(kind, alpha, x, dy, dx, n);
}

}  // namespace frugal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frugal {
HWY_EXPORT(ForwardF32);
HWY_EXPORT(ForwardTile);
HWY_EXPORT(ForwardBf16);
HWY_EXPORT(GradientF32);
HWY_EXPORT(GradientTile);
HWY_EXPORT(GradientBf16);

template <>
void activation_forward<float>(Activation kind, float alpha, const float* x, float* y, int64_t n) {
  HWY_DYNAMIC_DISPATCH(ForwardF32)(kind, alpha, x, y, n);
}
template <>
void activation_forward<uint16_t>(Activation kind, float alpha, const float* x, float* y, int64_t n) {
  HWY_DYNAMIC_DISPATCH(ForwardTile)(kind, alpha, x, y, n);
}
template <>
void activation_forward<uint16_t>(Activation kind, float alpha, const uint16_t* x, uint16_t* y, int64_t n) {
  HWY_DYNAMIC_DISPATCH(ForwardBf16)(kind, alpha, x, y, n);
}
template <>
void activation_gradient<float>(Activation kind, float alpha, const float* x, const float* dy, float* dx,
                                int64_t n) {
  HWY_DYNAMIC_DISPATCH(GradientF32)(kind, alpha, x, dy, dx, n);
}
template <>
void activation_gradient<uint16_t>(Activation kind, float alpha, const float* x, const float* dy, float* dx,
                                   int64_t n) {
  HWY_DYNAMIC_DISPATCH(GradientTile)(kind, alpha, x, dy, dx, n);
}
template <>
void activation_gradient<uint16_t>(Activation kind, float alpha, const uint16_t* x, const uint16_t* dy,
                                   uint16_t* dx, int64_t n) {
  HWY_DYNAMIC_DISPATCH(GradientBf16)(kind, alpha, x, dy, dx, n);
}

}  // namespace frugal
#endif

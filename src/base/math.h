// exp, log, sine, cosine and the normal distribution's quantiles in double, the same bits on every machine:
// nothing that reaches weights may depend on whose libm is installed. Plain C++ without calls or branches in
// exp_double, so that a loop over it vectorises.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace frugal {

/// e^x within 1e-15 relative (tests/base/math_test.cc). Below -708 it is zero, above 709 infinite; NaN stays
/// NaN.
inline double exp_double(double x) {
  // Cody and Waite, "Software Manual for the Elementary Functions", 1980: x = k ln 2 + r with ln 2 in two
  // parts, the first of which has so many zeros at its end that k times it is exact. Adding 1.5 * 2^52 rounds
  // to an integer, which then stands in the low bits.
  constexpr double log2e = 0x1.71547652b82fep0, ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
  constexpr double round = 0x1.8p52;
  const double clamped = x < -708.0 ? -708.0 : x > 709.0 ? 709.0 : x;
  const double shifted = clamped * log2e + round;
  const double k = shifted - round;
  const double r = (clamped - k * ln2_high) - k * ln2_low;  // |r| <= 0.3466
  // Taylor's series to r^13 / 13!, whose rest is below 5e-18; in pairs, for a shorter chain.
  const double r2 = r * r, r4 = r2 * r2;
  const double p01 = 1.0 + r;
  const double p23 = 1.0 / 2 + r * (1.0 / 6);
  const double p45 = 1.0 / 24 + r * (1.0 / 120);
  const double p67 = 1.0 / 720 + r * (1.0 / 5040);
  const double p89 = 1.0 / 40320 + r * (1.0 / 362880);
  const double p1011 = 1.0 / 3628800 + r * (1.0 / 39916800);
  const double p1213 = 1.0 / 479001600 + r * (1.0 / 6227020800.0);
  const double upper = (p89 + r2 * p1011) + r4 * p1213;
  const double tail = p45 + r2 * p67 + r4 * upper;
  const double mantissa = p01 + r2 * (p23 + r2 * tail);
  // 2^k, written into the exponent: k is in [-1022, 1023].
  const auto exponent = (std::bit_cast<uint64_t>(shifted) + 1023u) << 52;
  const double result = mantissa * std::bit_cast<double>(exponent);
  const double inside = x < -708.0 ? 0.0 : x > 709.0 ? std::numeric_limits<double>::infinity() : result;
  return x == x ? inside : x;
}

/// Natural logarithm within 1e-15 relative. Zero gives -infinity, less than zero NaN; infinity and NaN stay.
inline double log_double(double x) {
  if (!(x > 0.0)) {
    return x == 0.0 ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  }
  if (x == std::numeric_limits<double>::infinity()) return x;
  int64_t k = 0;
  if (x < 0x1.0p-1022) {  // subnormal
    x *= 0x1.0p54;
    k = -54;
  }
  // x = 2^k m with m in [sqrt(1/2), sqrt(2)), then log(m) = 2 atanh(s) with s = (m - 1) / (m + 1), |s| <=
  // 0.1716: the series of atanh to s^21, whose rest is below 1e-18.
  constexpr uint64_t sqrt_half = 0x3FE6A09E667F3BCDu;
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  const auto exponent = static_cast<int64_t>(bits - sqrt_half) >> 52;
  k += exponent;
  const double m = std::bit_cast<double>(bits - (static_cast<uint64_t>(exponent) << 52));
  const double f = m - 1.0, s = f / (2.0 + f), s2 = s * s;
  double series = 1.0 / 21;
  for (int odd = 19; odd >= 3; odd -= 2) series = series * s2 + 1.0 / odd;
  // log(1 + f) = f - s (f - 2 s^2 series), which keeps f's bits (as fdlibm's e_log.c does).
  const double log_m = f - s * (f - 2.0 * s2 * series);
  constexpr double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
  const auto scale = static_cast<double>(k);
  return scale * ln2_high + (log_m + scale * ln2_low);
}

/// The z below which a standard normal number lies with probability `p` in (0, 1), within 1e-14 relative
/// (tests/base/math_test.cc). Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution",
/// Applied Statistics 37, 1988: PPND16. Its square roots are exact to the last bit by IEEE 754.
inline double normal_quantile(double p) {
  using Coefficients = std::array<double, 8>;
  const auto polynomial = [](const Coefficients& c, double x) {
    double sum = c[7];
    for (int i = 6; i >= 0; --i) sum = sum * x + c[static_cast<size_t>(i)];
    return sum;
  };
  constexpr Coefficients a = {3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
                              1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                              3.3430575583588128105e+4, 2.5090809287301226727e+3};
  constexpr Coefficients b = {1,
                              4.2313330701600911252e+1,
                              6.8718700749205790830e+2,
                              5.3941960214247511077e+3,
                              2.1213794301586595867e+4,
                              3.9307895800092710610e+4,
                              2.8729085735721942674e+4,
                              5.2264952788528545610e+3};
  constexpr Coefficients c = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                              3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                              2.27238449892691845833e-2, 7.74545014278341407640e-4};
  constexpr Coefficients d = {1,
                              2.05319162663775882187e0,
                              1.67638483018380384940e0,
                              6.89767334985100004550e-1,
                              1.48103976427480074590e-1,
                              1.51986665636164571966e-2,
                              5.47593808499534494600e-4,
                              1.05075007164441684324e-9};
  constexpr Coefficients e = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                              2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                              2.71155556874348757815e-5, 2.01033439929228813265e-7};
  constexpr Coefficients f = {1,
                              5.99832206555887937690e-1,
                              1.36929880922735805310e-1,
                              1.48753612908506148525e-2,
                              7.86869131145613259100e-4,
                              1.84631831751005468180e-5,
                              1.42151175831644588870e-7,
                              2.04426310338993978564e-15};
  const double q = p - 0.5;
  if (q >= -0.425 && q <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * polynomial(a, r) / polynomial(b, r);
  }
  const double r = std::sqrt(-log_double(q < 0 ? p : 1.0 - p));
  const double z = r <= 5.0 ? polynomial(c, r - 1.6) / polynomial(d, r - 1.6)
                            : polynomial(e, r - 5.0) / polynomial(f, r - 5.0);
  return q < 0 ? -z : z;
}

struct SineCosine {
  double sine, cosine;
};

/// Of an angle in degrees, |angle| <= 1e6, within 1e-15 (tests/base/math_test.cc); multiples of 90 are exact.
inline SineCosine sine_cosine_of_degrees(double degrees) {
  constexpr double radians = 0x1.1df46a2529d39p-6;  // pi / 180
  const auto quarters = static_cast<int64_t>(std::floor(degrees / 90 + 0.5));
  const double x = (degrees - 90.0 * static_cast<double>(quarters)) * radians;  // |x| <= pi / 4
  const double x2 = x * x;
  // Taylor's series to x^17 / 17! and x^16 / 16!, whose rests are below 1e-17.
  double sine = 1.0, cosine = 1.0;
  for (int k = 16; k >= 2; k -= 2) {
    sine = 1.0 - sine * x2 / (k * (k + 1));
    cosine = 1.0 - cosine * x2 / (k * (k - 1));
  }
  sine *= x;
  switch (quarters & 3) {
    case 0:
      return {sine, cosine};
    case 1:
      return {cosine, -sine};
    case 2:
      return {-sine, -cosine};
    default:
      return {-cosine, sine};
  }
}

}  // namespace frugal

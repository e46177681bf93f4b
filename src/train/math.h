// exp and log in double, the same bits on every machine: nothing that reaches weights may depend on whose
// libm is installed. Plain C++ without calls or branches in exp_double, so that a loop over it vectorises.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace frugal {

/// e^x within 1e-15 relative (tests/train/math_test.cc). Below -708 it is zero, above 709 infinite; NaN stays
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

}  // namespace frugal

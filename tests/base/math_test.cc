#include "base/math.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace frugal {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double error_of(double found, long double expected) {
  return static_cast<double>(std::abs((static_cast<long double>(found) - expected) / expected));
}

TEST(Math, ExpIsRightToTheLastBits) {
  double worst = 0;
  for (double x = -707.9; x < 708.9; x += 0.00731)
    worst = std::max(worst, error_of(exp_double(x), std::exp((long double)x)));
  for (double x = 1e-18; x < 1; x *= 1.7) {
    worst = std::max({worst, error_of(exp_double(x), std::exp((long double)x)),
                      error_of(exp_double(-x), std::exp(-(long double)x))});
  }
  EXPECT_LT(worst, 1e-15);
  EXPECT_EQ(exp_double(0), 1);
  EXPECT_EQ(exp_double(-0.0), 1);
}

TEST(Math, ExpEndsAsPromised) {
  EXPECT_EQ(exp_double(-infinity), 0);
  EXPECT_EQ(exp_double(-708.1), 0);
  EXPECT_GT(exp_double(-708), 0);
  EXPECT_EQ(exp_double(709.1), infinity);
  EXPECT_EQ(exp_double(infinity), infinity);
  EXPECT_TRUE(std::isfinite(exp_double(709)));
  EXPECT_TRUE(std::isnan(exp_double(std::numeric_limits<double>::quiet_NaN())));
}

TEST(Math, LogIsRightToTheLastBits) {
  double worst = 0;
  for (double x = 1e-320; x < 1e308; x *= 1.0173)
    worst = std::max(worst, error_of(log_double(x), std::log((long double)x)));
  for (double d = 1e-15; d < 0.5; d *= 1.37) {
    worst = std::max({worst, error_of(log_double(1 + d), std::log(1.0L + ((long double)(1 + d) - 1))),
                      error_of(log_double(1 - d), std::log((long double)(1 - d)))});
  }
  EXPECT_LT(worst, 1e-15);
  EXPECT_EQ(log_double(1), 0);
}

TEST(Math, LogEndsAsPromised) {
  EXPECT_NEAR(log_double(5e-324), -744.4400719213812, 1e-12);
  EXPECT_EQ(log_double(0), -infinity);
  EXPECT_EQ(log_double(-0.0), -infinity);
  EXPECT_EQ(log_double(infinity), infinity);
  EXPECT_TRUE(std::isnan(log_double(-1)));
  EXPECT_TRUE(std::isnan(log_double(-infinity)));
  EXPECT_TRUE(std::isnan(log_double(std::numeric_limits<double>::quiet_NaN())));
}

/// p(z) by the complementary error function of long double, which is right to more digits than double has.
TEST(Math, NormalQuantilesAreRight) {
  const auto below = [](double z) { return std::erfc(-(long double)z / std::sqrt(2.0L)) / 2; };
  const auto density = [](double z) {
    return std::exp(-(long double)z * z / 2) / std::sqrt(2 * 3.14159265358979323846L);
  };
  double worst = 0;
  int count = 0;
  // A word of 32 bits gives the least of these, and both tails are of use.
  for (double p = 0x1p-33; p < 0.5; p = p < 0.01 ? p * 1.003 : p + 0.00037) {
    const double z = normal_quantile(p);
    // One step of Newton's method from z, whose length is the error.
    worst = std::max(
        worst, static_cast<double>(std::abs((below(z) - (long double)p) / density(z) / (long double)z)));
    EXPECT_LT(z, 0);
    ++count;
  }
  EXPECT_GT(count, 5000);
  EXPECT_LT(worst, 1e-14);
  EXPECT_EQ(normal_quantile(0.5), 0);
  for (double p : {0.5 - 0x1p-20, 0.25, 0.0625, 0x1p-10, 0x1p-32})
    EXPECT_EQ(normal_quantile(1 - p), -normal_quantile(p));
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-14);
}

TEST(Math, SineAndCosineOfDegrees) {
  for (int i = -4000; i <= 4000; ++i) {
    const double degrees = i * 0.37;
    const auto [sine, cosine] = sine_cosine_of_degrees(degrees);
    const auto radians = static_cast<long double>(degrees) * 3.14159265358979323846264338327950288L / 180;
    EXPECT_NEAR(sine, static_cast<double>(std::sin(radians)), 1e-15) << degrees;
    EXPECT_NEAR(cosine, static_cast<double>(std::cos(radians)), 1e-15) << degrees;
  }
  for (int quarter = -8; quarter <= 8; ++quarter) {
    const auto [sine, cosine] = sine_cosine_of_degrees(90.0 * quarter);
    EXPECT_EQ(sine * cosine, 0);
    EXPECT_EQ(std::abs(sine) + std::abs(cosine), 1);
  }
}

}  // namespace
}  // namespace frugal

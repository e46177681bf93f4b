#include "study/student.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace frugal {
namespace {

/// From printed tables of the distribution.
TEST(Student, QuantilesAreThoseOfTheTables) {
  EXPECT_NEAR(student_quantile(0.95, 1), 12.7062047362, 1e-8);
  EXPECT_NEAR(student_quantile(0.95, 2), 4.30265272991, 1e-9);
  EXPECT_NEAR(student_quantile(0.95, 5), 2.57058183564, 1e-9);
  EXPECT_NEAR(student_quantile(0.95, 10), 2.22813885199, 1e-9);
  EXPECT_NEAR(student_quantile(0.95, 30), 2.04227245630, 1e-9);
  EXPECT_NEAR(student_quantile(0.99, 3), 5.84090930973, 1e-9);
  EXPECT_NEAR(student_quantile(0.90, 4), 2.13184678633, 1e-9);
  EXPECT_NEAR(student_quantile(0.95, 1e6), 1.95996635682, 1e-7);
}

TEST(Student, TheIntervalOfAMean) {
  const std::array<double, 4> values = {1, 2, 3, 6};
  EXPECT_DOUBLE_EQ(mean_of(values), 3);
  EXPECT_DOUBLE_EQ(sample_deviation(values), std::sqrt(14.0 / 3));
  const auto interval = mean_interval(values);
  ASSERT_TRUE(interval);
  const double half = 3.18244630528 * std::sqrt(14.0 / 3) / 2;
  EXPECT_NEAR(interval->low, 3 - half, 1e-9);
  EXPECT_NEAR(interval->high, 3 + half, 1e-9);
}

TEST(Student, OneValueTellsNothing) {
  const std::array<double, 1> one = {5};
  EXPECT_TRUE(std::isnan(sample_deviation(one)));
  EXPECT_FALSE(mean_interval(one));
  EXPECT_TRUE(std::isnan(mean_of({})));
}

}  // namespace
}  // namespace frugal

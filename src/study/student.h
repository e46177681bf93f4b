// Means of a few numbers, and how sure one can be of them.
#pragma once

#include <optional>
#include <span>

namespace frugal {

/// NaN of nothing.
double mean_of(std::span<const double> values);
/// Of a sample: divided by n - 1. NaN below two values.
double sample_deviation(std::span<const double> values);

/// The t for which a variable with Student's distribution of `freedom` degrees (1 or more) lies within
/// [-t, t] with probability `confidence` (0 to 1, neither).
double student_quantile(double confidence, double freedom);

struct Interval {
  double mean, low, high;
};
/// The mean of differences that come from a normal distribution, and where it lies with 95 % confidence
/// (Student 1908: the paired t-test's interval). Nothing below two values.
std::optional<Interval> mean_interval(std::span<const double> differences);

}  // namespace frugal

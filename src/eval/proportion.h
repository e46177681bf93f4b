// How sure one can be of a share of images, and whether two networks differ.
#pragma once

#include <cstdint>
#include <string>

namespace frugal {

std::string percent(double share);  // "50.48 %"; "-" for NaN

struct ShareRange {
  double low, high;
};

/// Where the share lies of which `successes` of `trials` is a sample, with 95 % confidence (Wilson 1927,
/// without continuity correction). [0, 1] without trials.
ShareRange wilson_interval(int64_t successes, int64_t trials);

/// McNemar's test, exact: the probability of a split of a + b images at least this uneven if both networks
/// are equally good, where `a` images only the first one has right and `b` only the second (two-sided
/// binomial). 1 where there is none.
double mcnemar(int64_t a, int64_t b);

}  // namespace frugal

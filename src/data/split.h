// Which training images are held out, for validation or for testing.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/philox.h"

namespace frugal {

struct TrainValSplit {
  std::vector<int32_t> train, val;  // indices of images
};

/// floor(fraction * count) images are held out, chosen by (seed, split): 0.1 of 50,000 gives 45,000 and
/// 5,000. A fraction outside [0, 1) or one that leaves no training image is a usage error.
TrainValSplit split_indices(int64_t count, double fraction, uint64_t seed);

/// As many images, but of every class its part (see stratified_indices).
TrainValSplit stratified_split(std::span<const int32_t> labels, double fraction, uint64_t seed);

/// `wanted` of the images, in order: of every class its part, rounded down, and one more of those that
/// rounding took most from (of equals, by the seed); with `every_class` at least one of each, where `wanted`
/// is enough for that. Chosen by (seed, purpose, label).
std::vector<int32_t> stratified_indices(std::span<const int32_t> labels, int64_t wanted, uint64_t seed,
                                        Purpose purpose, bool every_class = false);

/// Which `held_out` of these files are for testing, in order: those whose names hash lowest with the seed, so
/// that a file more or less moves no other from one split to the other, but for the one at the limit.
std::vector<size_t> test_files(std::span<const std::string> names, size_t held_out, uint64_t seed);

}  // namespace frugal

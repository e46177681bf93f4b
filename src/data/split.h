// Which training images are held out for validation, and in which order an epoch visits the rest.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace frugal {

struct TrainValSplit {
  std::vector<int32_t> train, val;  // indices of images
};

/// floor(fraction * count) images are held out, chosen by (seed, split): 0.1 of 50,000 gives 45,000 and
/// 5,000. A fraction outside [0, 1) or one that leaves no training image is a usage error.
TrainValSplit split_indices(int64_t count, double fraction, uint64_t seed);

/// Which `held_out` of the `count` images of class `label` are for testing, in order: chosen by (seed, split,
/// label + 1), so that no choice follows from another, nor from that of split_indices.
std::vector<int32_t> test_indices(int64_t count, int64_t held_out, uint64_t seed, int32_t label);

/// `ids` in the order of the epoch: Fisher-Yates from (seed, shuffle, epoch).
std::vector<int32_t> epoch_order(std::span<const int32_t> ids, uint64_t seed, uint32_t epoch);

}  // namespace frugal

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

/// `ids` in the order of the epoch: Fisher-Yates from (seed, shuffle, epoch).
std::vector<int32_t> epoch_order(std::span<const int32_t> ids, uint64_t seed, uint32_t epoch);

}  // namespace frugal

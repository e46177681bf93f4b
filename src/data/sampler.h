// In which order an epoch visits the training images.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/philox.h"

namespace frugal {

/// Fisher-Yates from the end; element i takes word i of the stream.
void shuffle(std::vector<int32_t>& ids, const RandomStream& stream);

/// `ids` in the order of the epoch, from (seed, shuffle, epoch).
std::vector<int32_t> epoch_order(std::span<const int32_t> ids, uint64_t seed, uint32_t epoch);

/// As many images as `ids` has, each class of them as often (or once more, drawn anew in each epoch): an
/// image comes again only when all others of its class have come. `labels` are those of all images.
std::vector<int32_t> balanced_order(std::span<const int32_t> ids, std::span<const int32_t> labels,
                                    uint64_t seed, uint32_t epoch);

}  // namespace frugal

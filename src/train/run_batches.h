// How a run's configuration makes batches of its images.
#pragma once

#include <cstdint>
#include <vector>

#include "data/batch.h"
#include "train/config.h"

namespace frugal {

/// Normalised, augmented, by the run's seed.
BatchRecipe batch_recipe(const TrainConfig& config, const Normalization& normalization);

/// The training images `ids` in the order of epoch `epoch`; `labels` are those of all images.
std::vector<int32_t> order_of_epoch(const TrainConfig& config, const std::vector<int32_t>& ids,
                                    const std::vector<int32_t>& labels, uint32_t epoch);

}  // namespace frugal

// The batches of a run as its configuration makes them, epoch after epoch.
#pragma once

#include <cstdint>
#include <vector>

#include "data/dataset.h"
#include "train/batch_source.h"
#include "train/config.h"

namespace frugal {

/// How images become batches: normalised, augmented, by the run's seed.
BatchRecipe batch_recipe(const TrainConfig& config, const Normalization& normalization);

/// The training images `ids` in the order of epoch `epoch`; `labels` are those of all images.
std::vector<int32_t> order_of_epoch(const TrainConfig& config, const std::vector<int32_t>& ids,
                                    const std::vector<int32_t>& labels, uint32_t epoch);

/// Hands out one batch after the other, for whoever trains without epochs' ends.
class RunBatches {
 public:
  RunBatches(const TrainConfig& config, const Dataset& data, const Normalization& normalization,
             const std::vector<double>& class_weights);

  /// All training images.
  const std::vector<int32_t>& ids() const { return ids_; }
  /// Valid until the next call.
  DatasetBatch& next();
  /// Of the batch that next() returned.
  const StepKey& key() const { return key_; }

 private:
  const TrainConfig& config_;
  const Dataset& data_;
  const std::vector<int32_t> ids_;
  DatasetBatch batch_;
  std::vector<int32_t> order_;
  size_t first_ = 0;
  uint32_t started_ = 0;
  StepKey key_;
};

}  // namespace frugal

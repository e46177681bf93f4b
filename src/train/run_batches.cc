#include "train/run_batches.h"

#include <algorithm>
#include <span>

#include "data/augment.h"
#include "data/sampler.h"
#include "train/trainer.h"

namespace frugal {

BatchRecipe batch_recipe(const TrainConfig& config, const Normalization& normalization) {
  BatchRecipe recipe;
  recipe.normalization = normalization;
  recipe.augment = parse_augment(config.augment);
  recipe.seed = config.seed;
  return recipe;
}

std::vector<int32_t> order_of_epoch(const TrainConfig& config, const std::vector<int32_t>& ids,
                                    const std::vector<int32_t>& labels, uint32_t epoch) {
  if (config.sampling == "balanced") return balanced_order(ids, labels, config.seed, epoch);
  return epoch_order(ids, config.seed, epoch);
}

RunBatches::RunBatches(const TrainConfig& config, const Dataset& data, const Normalization& normalization,
                       const std::vector<double>& class_weights)
    : config_(config),
      data_(data),
      ids_(choose_split(config, data).train),
      batch_(data.train, batch_recipe(config, normalization), static_cast<int64_t>(data.classes.size()),
             class_weights),
      key_{config.seed, 0, 0} {}

DatasetBatch& RunBatches::next() {
  if (first_ == order_.size()) {
    key_.epoch = started_++;
    order_ = order_of_epoch(config_, ids_, data_.train.labels, key_.epoch);
    batch_.set_epoch(key_.epoch, order_);
    first_ = 0;
  }
  const size_t count = std::min(static_cast<size_t>(config_.batch), order_.size() - first_);
  key_.first_draw = static_cast<uint32_t>(first_);
  batch_.set(std::span<const int32_t>(order_).subspan(first_, count), key_.first_draw);
  first_ += count;
  return batch_;
}

}  // namespace frugal

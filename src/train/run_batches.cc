#include "train/run_batches.h"

#include "data/augment.h"
#include "data/sampler.h"

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

}  // namespace frugal

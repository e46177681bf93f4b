#include "train/position.h"

#include "base/units.h"

namespace frugal {

std::map<std::string, std::string> to_extra(const Position& position) {
  const EpochSums& sums = position.sums;
  return {{"epoch", std::to_string(position.epoch)},
          {"step", std::to_string(sums.steps)},
          {"optimizer_steps", std::to_string(position.optimizer_steps)},
          {"best_epoch", std::to_string(position.best_epoch)},
          {"best_top1", exact_text(position.best_top1)},
          {"sum_loss", exact_text(sums.loss.loss)},
          {"sum_weight", exact_text(sums.loss.weight)},
          {"sum_batch_means", exact_text(sums.batch_means)},
          {"sum_penalties", exact_text(sums.penalties)},
          {"sum_top1", std::to_string(sums.loss.top1)},
          {"sum_top3", std::to_string(sums.loss.top3)},
          {"sum_top5", std::to_string(sums.loss.top5)},
          {"sum_samples", std::to_string(sums.loss.samples)}};
}

std::string describe(const Position& position) {
  std::string text = "after epoch " + std::to_string(position.epoch);
  if (position.sums.steps > 0) text += " and " + std::to_string(position.sums.steps) + " steps";
  return text;
}

}  // namespace frugal

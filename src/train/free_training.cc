#include "train/free_training.h"

#include <algorithm>
#include <iterator>
#include <span>

#include "train/anchor.h"
#include "train/run_batches.h"
#include "train/trainer.h"
#include "train/whitening.h"

namespace frugal {

FreeTraining::FreeTraining(Engine& engine, const Graph& graph, const TrainConfig& config, const Dataset& data,
                           const OutsideInputs& outside)
    : engine_(engine),
      config_(config),
      data_(data),
      loss_(loss_for(config, data)),
      normalization_(choose_normalization(config.normalize, data.train)),
      optimizer_(make_optimizer(config.optimizer, optimizer_options(config), engine, graph)),
      ids_(choose_split(config, data).train),
      batch_(data.train, batch_recipe(config, normalization_), static_cast<int64_t>(data.classes.size()),
             loss_.class_weights()),
      key_{config.seed, 0, 0} {
  engine.parameters().initialise(config.seed);
  engine.weights_changed();
  whiten(engine, graph, data.train, ids_, normalization_);
  std::vector<int> filled;
  if (outside.initial_weights) filled = outside.initial_weights(engine.parameters());
  engine.weights_changed();
  loss_.anchor(engine.parameters(), {[&] { return anchor_at(engine.parameters(), filled); },
                                     loss_.fisher_files(default_fisher(config))});
  if (outside.teacher) {
    teacher_.emplace(*outside.teacher, data.train, batch_recipe(config, normalization_));
    teacher_->compute_all(ids_, [] { return true; });
  }
  const Graph first = graph_at(config, graph, 0);
  engine.train_at(first);
  optimizer_->train_only(engine.parameters(), first);
  loss_.train_only(engine.parameters(), first);
}

double FreeTraining::step(double lr) {
  next_batch();
  const double mean = engine_.train_step(batch_, loss_.logits(), key_).loss / batch_.weight();
  loss_.add_penalties(engine_);
  optimizer_->step(engine_, lr);
  engine_.weights_changed();
  return mean;
}

int64_t FreeTraining::evaluate_some(int64_t count) {
  const std::vector<int32_t> some(ids_.begin(), ids_.begin() + std::min<int64_t>(count, std::ssize(ids_)));
  evaluate(engine_, data_.train, some, normalization_, loss_.logits(), config_.batch);
  return std::ssize(some);
}

void FreeTraining::next_batch() {
  if (first_ == order_.size()) {
    key_.epoch = epochs_begun_++;
    order_ = order_of_epoch(config_, ids_, data_.train.labels, key_.epoch);
    batch_.set_epoch(key_.epoch, order_);
    if (teacher_) teacher_->set_epoch(key_.epoch, order_);
    first_ = 0;
  }
  const size_t count = std::min(static_cast<size_t>(config_.batch), order_.size() - first_);
  key_.first_draw = static_cast<uint32_t>(first_);
  const auto ids = std::span<const int32_t>(order_).subspan(first_, count);
  batch_.set(ids, key_.first_draw);
  if (teacher_) batch_.set_teacher(teacher_->logits(ids, key_.first_draw));
  first_ += count;
}

}  // namespace frugal

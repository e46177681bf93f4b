// Training steps without a run around them: nothing is validated, kept or written, and the caller says the
// rate. For whoever only wants to know how steps go.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "data/dataset.h"
#include "graph/graph.h"
#include "nn/engine.h"
#include "train/batch_source.h"
#include "train/config.h"
#include "train/loss.h"
#include "train/optimizer.h"
#include "train/outside.h"

namespace frugal {

class FreeTraining {
 public:
  /// Initialises the weights of `engine`, which was made for `graph`, as the run of `config` would begin. All
  /// of the arguments must outlive this.
  FreeTraining(Engine& engine, const Graph& graph, const TrainConfig& config, const Dataset& data,
               const OutsideInputs& outside = {});

  /// The run's next batch, epoch after epoch; returns its mean loss before the step.
  double step(double lr);

  /// Evaluates the first `count` training images, or all of them if there are fewer; returns how many.
  int64_t evaluate_some(int64_t count);

 private:
  void next_batch();

  Engine& engine_;
  const TrainConfig& config_;
  const Dataset& data_;
  Loss loss_;
  Normalization normalization_;
  std::unique_ptr<Optimizer> optimizer_;
  const std::vector<int32_t> ids_;  // all training images
  DatasetBatch batch_;
  std::optional<Teacher> teacher_;
  std::vector<int32_t> order_;
  size_t first_ = 0;  // of the images of `order_`, the next batch's
  uint32_t epochs_begun_ = 0;
  StepKey key_;
};

}  // namespace frugal

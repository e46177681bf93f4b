// Gradient accumulation: one step of the optimizer for several batches, as if they had been one.
#pragma once

#include <cstdint>
#include <span>

#include "nn/engine.h"

namespace frugal {

/// Gathers gradients over groups of batches, counted from an epoch's first; an epoch's last group may be
/// shorter. Every batch weighs 1 / batches, in a shorter group, too, as PyTorch's usual
/// (loss / N).backward() has it. What has been gathered is a state block of the parameters and the place in
/// the group follows from the batch's number, so that a run can go on from within a group.
class GradientAccumulator {
 public:
  /// `batches` 1: every batch is a group, and nothing is added to `parameters`.
  GradientAccumulator(int64_t batches, Parameters& parameters);

  /// To be called when the engine holds the gradients of batch number `batch` of the epoch's `epoch_batches`.
  /// True where that ends a group: then the group's gradients have taken their place, for the optimizer.
  bool add(Engine& engine, int64_t batch, int64_t epoch_batches);

 private:
  int64_t batches_;
  float part_;
  std::span<float> sum_;
};

}  // namespace frugal

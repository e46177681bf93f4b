// A loss that looks at some of the classes: a network that learns one task after the other has logits for all
// of them, and each task is told apart among its own (van de Ven & Tolias, "Three scenarios for continual
// learning", 2019: task-incremental).
#pragma once

#include <memory>
#include <vector>

#include "nn/engine.h"

namespace frugal {

/// The inner loss and its counts on the logits of `classes` alone, in that order; the others' gradient is
/// zero. A label outside of them is an Error.
class MaskedLoss : public LogitLoss {
 public:
  MaskedLoss(std::unique_ptr<LogitLoss> inner, std::vector<int32_t> classes);
  LossSums compute(const float* logits, int64_t count, int64_t classes, const Targets& targets, float scale,
                   float* gradient) const override;

 private:
  std::unique_ptr<LogitLoss> inner_;
  std::vector<int32_t> classes_;
  std::vector<int32_t> place_;  // of each class among them, -1 for none
};

}  // namespace frugal

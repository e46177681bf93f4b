// The focal loss: what is classified well already counts little.
#pragma once

#include <utility>
#include <vector>

#include "nn/engine.h"

namespace frugal {

/// -sum_c w_c t_c (1 - p_c)^gamma log p_c with p = softmax(z), in double (Lin et al., "Focal loss for dense
/// object detection", 2017, here of classes that exclude each other): with gamma 0 the cross-entropy. Targets
/// t are hard or soft; weights w as CrossEntropy's.
class FocalLoss : public LogitLoss {
 public:
  explicit FocalLoss(double gamma, std::vector<double> weights = {})
      : gamma_(gamma), weights_(std::move(weights)) {}
  LossSums compute(const float* logits, int64_t count, int64_t classes, const Targets& targets, float scale,
                   float* gradient) const override;

 private:
  double gamma_;
  std::vector<double> weights_;
};

}  // namespace frugal

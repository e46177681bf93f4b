// Losses that pull a network's logits towards a teacher's (`--teacher`). Without a teacher's logits, as in
// validation, they are zero.
#pragma once

#include "nn/engine.h"

namespace frugal {

/// T^2 KL(softmax(v / T) || softmax(z / T)) of the teacher's logits v, in double: Hinton et al., "Distilling
/// the knowledge in a neural network", 2015, up to the teacher's entropy, which has no gradient.
class DistillationLoss : public LogitLoss {
 public:
  explicit DistillationLoss(double temperature) : temperature_(temperature) {}
  LossSums compute(const float* logits, int64_t count, int64_t classes, const Targets& targets, float scale,
                   float* gradient) const override;

 private:
  double temperature_;
};

/// T^2 (alpha TCKD + beta NCKD): that divergence in two, of the label against all the rest, and among the
/// rest (Zhao et al., "Decoupled knowledge distillation", 2022, equation 8; of soft labels the class of the
/// largest counts). Without the warm-up of the authors' code.
class DecoupledDistillationLoss : public LogitLoss {
 public:
  DecoupledDistillationLoss(double temperature, double alpha, double beta)
      : temperature_(temperature), alpha_(alpha), beta_(beta) {}
  LossSums compute(const float* logits, int64_t count, int64_t classes, const Targets& targets, float scale,
                   float* gradient) const override;

 private:
  double temperature_, alpha_, beta_;
};

}  // namespace frugal

// Gradient clipping by global norm: a step that would be too long is made shorter, in the same direction.
#pragma once

#include <vector>

#include "nn/engine.h"

namespace frugal {

/// torch.nn.utils.clip_grad_norm_(parameters, max_norm): where the Euclidean norm of all trainable gradients
/// together is above `max_norm`, they are multiplied by max_norm / (norm + 1e-6) (Pascanu et al., "On the
/// difficulty of training recurrent neural networks", 2013). The norm is summed in double, in an order that
/// the size of the block decides.
class GradientClip {
 public:
  /// `max_norm` 0: no clipping.
  explicit GradientClip(double max_norm) : max_norm_(max_norm) {}

  /// Returns the norm as it was; 0, and nothing is computed, where nothing is clipped. A norm that is not
  /// finite leaves the gradients as they are: what to do about it is the caller's business.
  double apply(Engine& engine);

 private:
  double max_norm_;
  std::vector<double> partial_;  // sums of squares by chunk
};

}  // namespace frugal

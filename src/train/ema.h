// An exponential moving average of what a network has learned, to be validated, tested and kept in place of
// the last step's weights.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nn/engine.h"

namespace frugal {

/// After update number t the average is d * average + (1 - d) * value with d = min(decay, t / (9 + t)), t
/// counted from 1, except that the first update copies. That is torch.optim.swa_utils.AveragedModel with
/// use_buffers=True and an avg_fn of min(decay, (1 + n) / (10 + n)): the rise of d (TensorFlow's
/// ExponentialMovingAverage with num_updates) keeps the random start from staying in the average for
/// 1 / (1 - decay) steps. Buffers, batch-norm's running statistics, are averaged alike, so that they are
/// those of the averaged weights as nearly as can be had without another pass over the data. Parameters that
/// are not trained are not averaged, for they do not change.
class Ema {
 public:
  /// decay in (0, 1).
  Ema(double decay, const Parameters& parameters);

  /// To be called after an optimizer's step with the number of steps taken, from 1 on: one pass over weights
  /// and buffers. The same bits on any number of threads.
  void update(Engine& engine, int64_t steps);

  /// Exchanges the average with the parameters' weights and buffers; a second call puts both back, bit for
  /// bit. The caller tells the engine that weights have changed.
  void swap_with(Parameters& parameters);

  /// The average, in the layouts of Parameters::weights() and buffers(), whose slots say where each tensor
  /// lies: all that a checkpoint must hold ("ema.conv1.weight", ...) beside the number of steps.
  std::span<float> weights() { return weights_.span(); }
  std::span<const float> weights() const { return weights_.span(); }
  std::span<float> buffers() { return buffers_.span(); }
  std::span<const float> buffers() const { return buffers_.span(); }

 private:
  double decay_;
  AlignedFloats weights_, buffers_;
};

/// A decay outside [0, 1) is a usage error; 0 means that there is no average.
void check_ema(double decay);

}  // namespace frugal

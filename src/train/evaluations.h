// What a run evaluates: its validation and test splits, at its end as far as the pace lets it go, and now and
// then a few images, from which a clock learns how long that takes.
#pragma once

#include <cstdint>
#include <vector>

#include "data/dataset.h"
#include "data/split.h"
#include "nn/engine.h"
#include "train/metrics.h"
#include "train/pace.h"

namespace frugal {

/// Always of the weights that the engine has.
class Evaluations {
 public:
  /// All of the arguments must outlive this. `batch` is what loss_batch_mean averages over.
  Evaluations(Engine& engine, const Dataset& data, const TrainValSplit& split,
              const Normalization& normalization, const LogitLoss& loss, int64_t batch, Pace& pace);

  /// Before a clock drives steps: makes what is made once, then measures.
  void prepare();
  /// Measures a few training images.
  void probe();

  /// All validation images.
  Metrics validate();
  /// As many as are granted.
  Metrics validate_last(FinalPass pass);
  Metrics test();

 private:
  Metrics of(const ImageSet& images, const std::vector<int32_t>& ids) const;
  Metrics of_granted(const ImageSet& images, const std::vector<int32_t>& ids, FinalPass pass) const;
  std::vector<int32_t> probed_images();

  Engine& engine_;
  const Dataset& data_;
  const TrainValSplit& split_;
  const Normalization& normalization_;
  const LogitLoss& loss_;
  int64_t batch_;
  Pace& pace_;
  int64_t probes_ = 0;
};

}  // namespace frugal

// What a run evaluates: its validation and test splits, at its end as far as the pace lets it go, and now and
// then a few images, from which a clock learns how long that takes.
#pragma once

#include <cstdint>
#include <vector>

#include "data/dataset.h"
#include "data/split.h"
#include "nn/engine.h"
#include "train/features.h"
#include "train/metrics.h"
#include "train/pace.h"
#include "train/trainer.h"

namespace frugal {

/// Always of the weights that the engine has.
class Evaluations {
 public:
  /// All of the arguments must outlive this. `batch` is what loss_batch_mean averages over.
  Evaluations(Engine& engine, const Dataset& data, const TrainValSplit& split,
              const Normalization& normalization, const LogitLoss& loss, int64_t batch, Pace& pace);

  /// Before a clock drives steps: makes what is made once, then measures for about so many seconds.
  void prepare(double most_seconds);
  /// Measures a few training images.
  void probe();

  /// Validation takes its images' features from now on, which `cut.above` goes on from. Test and probes, from
  /// which the test's time is known, do not.
  void take_from(const Features& features, const CutGraph& cut, const Graph& whole);

  /// All validation images.
  Metrics validate();
  /// As many as are granted.
  Metrics validate_last(FinalPass pass);
  Metrics test();

 private:
  Metrics of_images(const ImageSet& images, const std::vector<int32_t>& ids, const GrantImages& grant) const;
  Metrics of_validation_split(const GrantImages& grant) const;
  GrantImages granted(FinalPass pass) const;
  std::vector<int32_t> probed_images();

  Engine& engine_;
  const Dataset& data_;
  const TrainValSplit& split_;
  const Normalization& normalization_;
  const LogitLoss& loss_;
  int64_t batch_;
  Pace& pace_;
  int64_t probes_ = 0;
  const Features* features_ = nullptr;  // of the training images, with what they are of
  const CutGraph* cut_ = nullptr;
  const Graph* whole_ = nullptr;
};

}  // namespace frugal

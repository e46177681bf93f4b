// Hands images of a data set to the engine as batches: the adapter between `data` and the engine's
// BatchSource.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "data/batch.h"
#include "nn/engine.h"

namespace frugal {

class Features;

/// One batch at a time; images are gathered, augmented and normalised when the engine asks for them. Where
/// the recipe mixes images (MixUp, CutMix), labels are soft.
class DatasetBatch : public BatchSource {
 public:
  DatasetBatch(const ImageSet& images, BatchRecipe recipe, int64_t classes,
               std::vector<double> class_weights = {});

  /// The batch is images `ids` from now on; `ids` must outlive its use. The first has draw `first_draw`.
  void set(std::span<const int32_t> ids, uint32_t first_draw);
  /// `order` is the epoch's, in which mixed images find their partners; it must outlive the epoch.
  void set_epoch(uint32_t epoch, std::span<const int32_t> order);

  /// From now on what is filled in are features of the images, not they themselves; null: they are. They must
  /// outlive this.
  void take_from(const Features* features) { features_ = features; }

  /// The logits [size, classes] of a teacher for the batch; null: there is none.
  void set_teacher(const float* logits) { teacher_ = logits; }

  int64_t size() const override { return static_cast<int64_t>(ids_.size()); }
  /// Of hard labels the sum of their classes' weights, if there are any; as PyTorch divides.
  double weight() const override { return weight_; }
  void fill(int64_t first, const TensorView& images) override;
  Targets targets(int64_t first) const override;

 private:
  void set_soft_labels();

  const ImageSet& images_;
  BatchRecipe recipe_;
  int64_t classes_;
  bool mixes_;
  const Features* features_ = nullptr;
  const float* teacher_ = nullptr;
  std::vector<double> class_weights_;
  double weight_ = 0;
  std::span<const int32_t> ids_;
  uint32_t first_draw_ = 0;
  std::vector<int32_t> labels_;
  std::vector<float> soft_;  // [size, classes], where the recipe mixes
};

/// Images that are handed to an engine at once where many are evaluated: whole shards, about a thousand, so
/// that a block's end costs little.
int64_t evaluation_block(int64_t shard);

/// Asked between pieces of work that may take minutes; false ends it.
using GoOn = std::function<bool()>;

/// Evaluates images `ids` of the batch's set, as `batch` makes input of them; the sink's `first` is a place
/// in `ids`. False where `go_on` ended it.
bool evaluate_in_blocks(Engine& engine, DatasetBatch& batch, std::span<const int32_t> ids,
                        const LogitSink& sink, const GoOn& go_on);

}  // namespace frugal

// Hands images of a data set to the engine as batches: the adapter between `data` and the engine's
// BatchSource.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/batch.h"
#include "nn/engine.h"

namespace frugal {

/// One batch at a time; images are gathered, augmented and normalised when the engine asks for them.
class DatasetBatch : public BatchSource {
 public:
  DatasetBatch(const ImageSet& images, BatchRecipe recipe) : images_(images), recipe_(std::move(recipe)) {}

  /// The batch is images `ids` from now on; `ids` must outlive its use. The first has draw `first_draw`.
  void set(std::span<const int32_t> ids, uint32_t first_draw);
  void set_epoch(uint32_t epoch) { recipe_.epoch = epoch; }

  int64_t size() const override { return static_cast<int64_t>(ids_.size()); }
  void fill(int64_t first, const TensorView& images) override;
  Targets targets(int64_t first) const override { return {.labels = labels_.data() + first}; }

 private:
  const ImageSet& images_;
  BatchRecipe recipe_;
  std::span<const int32_t> ids_;
  uint32_t first_draw_ = 0;
  std::vector<int32_t> labels_;
};

}  // namespace frugal

#include "train/batch_source.h"

namespace frugal {

void DatasetBatch::set(std::span<const int32_t> ids, uint32_t first_draw) {
  ids_ = ids;
  first_draw_ = first_draw;
  labels_.clear();
  for (const int32_t id : ids) labels_.push_back(images_.labels[static_cast<size_t>(id)]);
}

void DatasetBatch::fill(int64_t first, const TensorView& images) {
  const auto part = ids_.subspan(static_cast<size_t>(first), static_cast<size_t>(images.shape[0]));
  fill_batch(images_, part, first_draw_ + static_cast<uint32_t>(first), recipe_, images);
}

}  // namespace frugal

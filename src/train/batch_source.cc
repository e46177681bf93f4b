#include "train/batch_source.h"

#include <algorithm>
#include <utility>

#include "data/mix.h"
#include "train/features.h"

namespace frugal {

DatasetBatch::DatasetBatch(const ImageSet& images, BatchRecipe recipe, int64_t classes,
                           std::vector<double> class_weights)
    : images_(images),
      recipe_(std::move(recipe)),
      classes_(classes),
      mixes_(mixes(recipe_.augment)),
      class_weights_(std::move(class_weights)) {}

void DatasetBatch::set_epoch(uint32_t epoch, std::span<const int32_t> order) {
  recipe_.epoch = epoch;
  recipe_.order = order;
}

void DatasetBatch::set(std::span<const int32_t> ids, uint32_t first_draw) {
  ids_ = ids;
  first_draw_ = first_draw;
  labels_.clear();
  for (const int32_t id : ids) labels_.push_back(images_.labels[static_cast<size_t>(id)]);
  weight_ = static_cast<double>(ids.size());
  if (mixes_) {
    set_soft_labels();
  } else if (!class_weights_.empty()) {
    weight_ = 0;
    for (const int32_t label : labels_) weight_ += class_weights_[static_cast<size_t>(label)];
  }
}

void DatasetBatch::set_soft_labels() {
  const auto classes = static_cast<size_t>(classes_);
  soft_.assign(ids_.size() * classes, 0.0f);
  for (size_t i = 0; i < ids_.size(); ++i) {
    const Mix mix =
        draw_mix(recipe_.augment, recipe_.seed, recipe_.epoch, first_draw_ + static_cast<uint32_t>(i),
                 static_cast<uint32_t>(recipe_.order.size()), images_.height, images_.width);
    float* row = soft_.data() + i * classes;
    row[labels_[i]] += mix.own;
    if (mix.kind == Mix::Kind::none) continue;
    row[images_.labels[static_cast<size_t>(recipe_.order[mix.partner])]] += 1.0f - mix.own;
  }
}

void DatasetBatch::fill(int64_t first, const TensorView& images) {
  const auto part = ids_.subspan(static_cast<size_t>(first), static_cast<size_t>(images.shape[0]));
  if (features_) return features_->fill(part, images);
  fill_batch(images_, part, first_draw_ + static_cast<uint32_t>(first), recipe_, images);
}

int64_t evaluation_block(int64_t shard) {
  const int64_t whole = std::max<int64_t>(shard, 1);
  return std::max<int64_t>(1024 / whole, 1) * whole;
}

bool evaluate_in_blocks(Engine& engine, DatasetBatch& batch, std::span<const int32_t> ids,
                        const LogitSink& sink, const GoOn& go_on) {
  const auto block = static_cast<size_t>(evaluation_block(engine.shard()));
  for (size_t begin = 0; begin < ids.size(); begin += block) {
    if (!go_on()) return false;
    batch.set(ids.subspan(begin, std::min(block, ids.size() - begin)), static_cast<uint32_t>(begin));
    engine.evaluate(batch, [&](int64_t first, int64_t count, const float* logits) {
      sink(static_cast<int64_t>(begin) + first, count, logits);
    });
  }
  return true;
}

Targets DatasetBatch::targets(int64_t first) const {
  const float* teacher = teacher_ ? teacher_ + first * classes_ : nullptr;
  if (mixes_) return {.soft = soft_.data() + first * classes_, .teacher = teacher};
  return {.labels = labels_.data() + first, .teacher = teacher};
}

}  // namespace frugal

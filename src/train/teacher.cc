#include "train/teacher.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace frugal {
namespace {

BatchRecipe for_teacher(BatchRecipe recipe, const TeacherModel& model) {
  recipe.normalization = model.normalization;
  return recipe;
}

}  // namespace

Teacher::Teacher(TeacherModel& model, const ImageSet& images, const BatchRecipe& recipe)
    : model_(model),
      classes_(static_cast<size_t>(model.engine->classes())),
      batch_(images, for_teacher(recipe, model), model.engine->classes()) {
  if (!recipe.augment.empty()) return;
  all_.resize(static_cast<size_t>(images.count) * classes_);
  constexpr int64_t block = 1024;
  std::vector<int32_t> ids;
  for (int64_t first = 0; first < images.count; first += block) {
    ids.resize(static_cast<size_t>(std::min(block, images.count - first)));
    std::iota(ids.begin(), ids.end(), static_cast<int32_t>(first));
    evaluate(ids, 0, all_.data() + static_cast<size_t>(first) * classes_);
  }
}

void Teacher::set_epoch(uint32_t epoch, std::span<const int32_t> order) { batch_.set_epoch(epoch, order); }

const float* Teacher::logits(std::span<const int32_t> ids, uint32_t first_draw) {
  some_.resize(ids.size() * classes_);
  if (all_.empty()) {
    evaluate(ids, first_draw, some_.data());
    return some_.data();
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    std::copy_n(all_.begin() + static_cast<int64_t>(static_cast<size_t>(ids[i]) * classes_), classes_,
                some_.begin() + static_cast<int64_t>(i * classes_));
  }
  return some_.data();
}

void Teacher::evaluate(std::span<const int32_t> ids, uint32_t first_draw, float* logits) {
  batch_.set(ids, first_draw);
  model_.engine->evaluate(batch_, [&](int64_t first, int64_t count, const float* values) {
    std::copy_n(values, count * static_cast<int64_t>(classes_),
                logits + first * static_cast<int64_t>(classes_));
  });
}

}  // namespace frugal

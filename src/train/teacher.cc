#include "train/teacher.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"

namespace frugal {
namespace {

BatchRecipe for_teacher(BatchRecipe recipe, const TeacherModel& model) {
  recipe.normalization = model.normalization;
  return recipe;
}

}  // namespace

std::string fingerprint(const TeacherModel& model) {
  const Parameters& parameters = model.engine->parameters();
  Hasher hasher;
  for (const std::span<const float> numbers :
       {parameters.all_weights(), parameters.buffers(), std::span<const float>(model.normalization.mean),
        std::span<const float>(model.normalization.std)}) {
    hasher.update({reinterpret_cast<const uint8_t*>(numbers.data()), numbers.size_bytes()});
  }
  return hasher.hex();
}

Teacher::Teacher(TeacherModel& model, const ImageSet& images, const BatchRecipe& recipe)
    : model_(model),
      classes_(static_cast<size_t>(model.engine->classes())),
      same_images_(recipe.augment.empty()),
      batch_(images, for_teacher(recipe, model), model.engine->classes()) {}

void Teacher::compute_all(std::span<const int32_t> ids, const GoOn& go_on) {
  if (!same_images_ || ids.empty()) return;
  all_.resize((static_cast<size_t>(std::ranges::max(ids)) + 1) * classes_);
  const auto classes = static_cast<int64_t>(classes_);
  const LogitSink to_image = [&](int64_t first, int64_t count, const float* logits) {
    for (int64_t i = 0; i < count; ++i) {
      const int64_t image = ids[static_cast<size_t>(first + i)];
      std::copy_n(logits + i * classes, classes, all_.begin() + image * classes);
    }
  };
  if (!evaluate_in_blocks(*model_.engine, batch_, ids, to_image, go_on)) all_ = {};
}

void Teacher::set_epoch(uint32_t epoch, std::span<const int32_t> order) { batch_.set_epoch(epoch, order); }

const float* Teacher::logits(std::span<const int32_t> ids, uint32_t first_draw) {
  some_.resize(ids.size() * classes_);
  if (all_.empty()) {
    batch_.set(ids, first_draw);
    model_.engine->evaluate(batch_, copy_to(some_.data()));
    return some_.data();
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    std::copy_n(all_.begin() + static_cast<int64_t>(static_cast<size_t>(ids[i]) * classes_), classes_,
                some_.begin() + static_cast<int64_t>(i * classes_));
  }
  return some_.data();
}

LogitSink Teacher::copy_to(float* all) const {
  const auto classes = static_cast<int64_t>(classes_);
  return [all, classes](int64_t first, int64_t count, const float* logits) {
    std::copy_n(logits, count * classes, all + first * classes);
  };
}

}  // namespace frugal

#include "train/masked_loss.h"

#include <algorithm>
#include <utility>

namespace frugal {

MaskedLoss::MaskedLoss(std::unique_ptr<LogitLoss> inner, std::vector<int32_t> classes)
    : inner_(std::move(inner)), classes_(std::move(classes)) {
  place_.assign(static_cast<size_t>(*std::ranges::max_element(classes_)) + 1, -1);
  for (size_t i = 0; i < classes_.size(); ++i)
    place_[static_cast<size_t>(classes_[i])] = static_cast<int32_t>(i);
}

LossSums MaskedLoss::compute(const float* logits, int64_t count, int64_t classes, const Targets& targets,
                             float scale, float* gradient) const {
  thread_local std::vector<float> own, soft, teacher, own_gradient;
  thread_local std::vector<int32_t> labels;
  const size_t kept = classes_.size();
  const auto gather = [&](const float* from, std::vector<float>& to) -> const float* {
    if (from == nullptr) return nullptr;
    to.resize(static_cast<size_t>(count) * kept);
    for (int64_t n = 0; n < count; ++n) {
      for (size_t i = 0; i < kept; ++i)
        to[static_cast<size_t>(n) * kept + i] = from[n * classes + classes_[i]];
    }
    return to.data();
  };
  Targets inner{.soft = gather(targets.soft, soft), .teacher = gather(targets.teacher, teacher)};
  if (targets.labels) {
    labels.resize(static_cast<size_t>(count));
    for (int64_t n = 0; n < count; ++n) {
      const auto label = static_cast<size_t>(targets.labels[n]);
      labels[static_cast<size_t>(n)] =
          label < place_.size() ? place_[label] : -1;  // -1: the inner loss refuses it
    }
    inner.labels = labels.data();
  }
  own_gradient.resize(static_cast<size_t>(count) * kept);
  const LossSums sums = inner_->compute(gather(logits, own), count, static_cast<int64_t>(kept), inner, scale,
                                        gradient ? own_gradient.data() : nullptr);
  if (!gradient) return sums;
  std::fill_n(gradient, count * classes, 0.0f);
  for (int64_t n = 0; n < count; ++n) {
    for (size_t i = 0; i < kept; ++i) {
      gradient[n * classes + classes_[i]] = own_gradient[static_cast<size_t>(n) * kept + i];
    }
  }
  return sums;
}

}  // namespace frugal

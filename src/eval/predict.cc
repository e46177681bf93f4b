#include "eval/predict.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/batch.h"
#include "eval/resize.h"

namespace frugal {
namespace {

/// A whole ImageSet as one batch; nothing asks for its targets.
class PictureBatch : public BatchSource {
 public:
  PictureBatch(const ImageSet& images, const Normalization& normalization, int64_t first, int64_t count)
      : images_(images), ids_(static_cast<size_t>(count)) {
    recipe_.normalization = normalization;
    std::iota(ids_.begin(), ids_.end(), static_cast<int32_t>(first));
  }
  int64_t size() const override { return static_cast<int64_t>(ids_.size()); }
  void fill(int64_t first, const TensorView& out) override {
    const auto ids = std::span(ids_).subspan(static_cast<size_t>(first), static_cast<size_t>(out.shape[0]));
    fill_batch(images_, ids, static_cast<uint32_t>(first), recipe_, out);
  }
  Targets targets(int64_t) const override { return {}; }

 private:
  const ImageSet& images_;
  std::vector<int32_t> ids_;
  BatchRecipe recipe_;
};

}  // namespace

void add_picture(ImageSet& set, const Image& image) {
  const Image fitted = resize(crop_to_proportions(image, set.height, set.width), set.height, set.width);
  set.pixels.insert(set.pixels.end(), fitted.pixels.begin(), fitted.pixels.end());
  set.labels.push_back(0);
  ++set.count;
}

std::vector<Guess> best_guesses(std::span<const float> logits, int64_t top) {
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto kept = static_cast<size_t>(std::clamp<int64_t>(top, 0, static_cast<int64_t>(logits.size())));
  const auto logit = [&](int32_t label) { return logits[static_cast<size_t>(label)]; };
  std::partial_sort(order.begin(), order.begin() + static_cast<long>(kept), order.end(),
                    [&](int32_t a, int32_t b) { return logit(a) != logit(b) ? logit(a) > logit(b) : a < b; });
  const double highest = kept == 0 ? 0 : static_cast<double>(logit(order[0]));
  double sum = 0;
  for (float value : logits) sum += std::exp(static_cast<double>(value) - highest);
  std::vector<Guess> guesses;
  for (size_t i = 0; i < kept; ++i) {
    guesses.push_back({order[i], std::exp(static_cast<double>(logit(order[i])) - highest) / sum});
  }
  return guesses;
}

std::vector<std::vector<Guess>> predict(Engine& engine, const ImageSet& images,
                                        const Normalization& normalization, int64_t classes, int64_t top) {
  constexpr int64_t batch = 128;
  std::vector<std::vector<Guess>> guesses(static_cast<size_t>(images.count));
  for (int64_t start = 0; start < images.count; start += batch) {
    PictureBatch source(images, normalization, start, std::min(batch, images.count - start));
    engine.evaluate(source, [&](int64_t first, int64_t count, const float* logits) {
      for (int64_t i = 0; i < count; ++i) {
        const std::span<const float> row(logits + i * classes, static_cast<size_t>(classes));
        guesses[static_cast<size_t>(start + first + i)] = best_guesses(row, top);
      }
    });
  }
  return guesses;
}

}  // namespace frugal

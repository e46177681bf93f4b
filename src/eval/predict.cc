#include "eval/predict.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/resize.h"
#include "train/batch_source.h"

namespace frugal {
void add_picture(ImageSet& set, const Image& image) {
  const size_t before = set.pixels.size();
  set.pixels.resize(before + static_cast<size_t>(set.image_bytes()));
  fit(image, set.height, set.width, set.pixels.data() + before);
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
  constexpr size_t batch = 128;
  DatasetBatch source(images, {.normalization = normalization}, engine.classes());
  std::vector<int32_t> ids(static_cast<size_t>(images.count));
  std::iota(ids.begin(), ids.end(), 0);
  std::vector<std::vector<Guess>> guesses(ids.size());
  for (size_t start = 0; start < ids.size(); start += batch) {
    source.set(std::span(ids).subspan(start, std::min(batch, ids.size() - start)), 0);
    engine.evaluate(source, [&](int64_t first, int64_t count, const float* logits) {
      for (int64_t i = 0; i < count; ++i) {
        const std::span<const float> row(logits + i * classes, static_cast<size_t>(classes));
        guesses[start + static_cast<size_t>(first + i)] = best_guesses(row, top);
      }
    });
  }
  return guesses;
}

}  // namespace frugal

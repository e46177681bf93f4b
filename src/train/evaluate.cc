// Loss and accuracies of the engine's weights on a set of images. Every sample's loss is kept by its index
// and summed in order, so the figures do not depend on which thread finished first.
#include <algorithm>
#include <span>
#include <vector>

#include "train/batch_source.h"
#include "train/history.h"
#include "train/trainer.h"

namespace frugal {
namespace {

/// Images handed to the engine at once: whole shards, about a thousand images, so that a block's end costs
/// little.
int64_t block_size(int64_t shard) {
  const int64_t whole = std::max<int64_t>(shard, 1);
  return std::max<int64_t>(1024 / whole, 1) * whole;
}

/// The mean of the batches' means.
class BatchMean {
 public:
  explicit BatchMean(int64_t batch) : batch_(batch) {}
  void add(double loss) {
    sum_ += loss;
    if (++filled_ == batch_) close();
  }
  double result() {
    if (filled_ > 0) close();
    return means_ / static_cast<double>(batches_);  // NaN of nothing
  }

 private:
  void close() {
    means_ += sum_ / static_cast<double>(filled_);
    sum_ = 0;
    filled_ = 0;
    ++batches_;
  }
  int64_t batch_, filled_ = 0, batches_ = 0;
  double sum_ = 0, means_ = 0;
};

}  // namespace

Metrics evaluate(Engine& engine, const ImageSet& images, const std::vector<int32_t>& ids,
                 const Normalization& normalization, const LogitLoss& loss, int64_t batch,
                 TestTime test_time) {
  const int64_t classes = engine.classes();
  DatasetBatch source(images, {.normalization = normalization}, classes);
  DatasetBatch mirrored(images, {.normalization = normalization, .augment = parse_augment("flip:1")},
                        classes);
  const bool average = test_time == TestTime::flip;
  const auto block = static_cast<size_t>(block_size(engine.shard()));
  std::vector<LossSums> samples(std::min(block, ids.size()));
  std::vector<float> other(average ? samples.size() * static_cast<size_t>(classes)
                                   : 0);  // mirrored images' logits
  BatchMean batch_mean(batch);
  LossSums total;
  for (size_t start = 0; start < ids.size(); start += block) {
    const auto part = std::span(ids).subspan(start, std::min(block, ids.size() - start));
    if (average) {
      mirrored.set(part, static_cast<uint32_t>(start));
      engine.evaluate(mirrored, [&](int64_t first, int64_t count, const float* logits) {
        std::copy_n(logits, count * classes, other.begin() + first * classes);
      });
    }
    source.set(part, static_cast<uint32_t>(start));
    engine.evaluate(source, [&](int64_t first, int64_t count, const float* logits) {
      if (average) {
        float* mean = other.data() + first * classes;
        for (int64_t i = 0; i < count * classes; ++i) mean[i] = 0.5f * (logits[i] + mean[i]);
        logits = mean;
      }
      for (int64_t i = 0; i < count; ++i) {
        samples[static_cast<size_t>(first + i)] =
            loss.compute(logits + i * classes, 1, classes, source.targets(first + i), 1, nullptr);
      }
    });
    for (size_t i = 0; i < part.size(); ++i) {
      total += samples[i];
      batch_mean.add(samples[i].loss);
    }
  }
  return to_metrics(total, batch_mean.result());
}

}  // namespace frugal

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
                 const Normalization& normalization, const LogitLoss& loss, int64_t batch) {
  DatasetBatch source(images, {.normalization = normalization}, engine.classes());
  const int64_t classes = engine.classes();
  const auto block = static_cast<size_t>(block_size(engine.shard()));
  std::vector<LossSums> samples(std::min(block, ids.size()));
  BatchMean batch_mean(batch);
  LossSums total;
  for (size_t start = 0; start < ids.size(); start += block) {
    const auto part = std::span(ids).subspan(start, std::min(block, ids.size() - start));
    source.set(part, static_cast<uint32_t>(start));
    engine.evaluate(source, [&](int64_t first, int64_t count, const float* logits) {
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

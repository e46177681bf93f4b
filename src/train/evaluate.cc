// Loss and accuracies of the engine's weights on a set of images. Every sample's loss is kept by its index
// and summed in order, so the figures do not depend on which thread finished first.
#include <algorithm>
#include <iterator>
#include <numeric>
#include <span>
#include <vector>

#include "data/sampler.h"
#include "train/batch_source.h"
#include "train/history.h"
#include "train/trainer.h"

namespace frugal {
namespace {

/// Places 0 to count - 1, shuffled: data sets on disk are often sorted by class, and whatever part of them is
/// evaluated must stand for the whole.
std::vector<int32_t> sample_order(int64_t count) {
  std::vector<int32_t> places(static_cast<size_t>(count));
  std::iota(places.begin(), places.end(), 0);
  return epoch_order(places, /*seed=*/0, /*epoch=*/0);
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
                 const EvaluateOptions& options) {
  const GrantImages& grant = options.grant;
  const int64_t classes = engine.classes(), all = std::ssize(ids);
  DatasetBatch source(images, {.normalization = normalization}, classes);
  source.take_from(options.features);
  DatasetBatch mirrored(images, {.normalization = normalization, .augment = parse_augment("flip:1")},
                        classes);
  const bool average = options.test_time == TestTime::flip;
  const int64_t block = grant ? engine.shard() * engine.threads() : evaluation_block(engine.shard());
  const std::vector<int32_t> order = grant ? sample_order(all) : std::vector<int32_t>();
  std::vector<LossSums> samples(ids.size());
  // Mirrored images' logits.
  std::vector<float> other(average ? static_cast<size_t>(std::min(block, all) * classes) : 0);
  std::vector<int32_t> part;
  int64_t done = 0;
  while (done < all) {
    int64_t count = std::min(block, all - done);
    if (grant) count = grant(done, count);
    if (count <= 0) break;
    const auto place = [&](int64_t i) {
      return static_cast<size_t>(grant ? order[static_cast<size_t>(done + i)] : done + i);
    };
    part.clear();
    for (int64_t i = 0; i < count; ++i) part.push_back(ids[place(i)]);
    if (average) {
      mirrored.set(part, static_cast<uint32_t>(done));
      engine.evaluate(mirrored, [&](int64_t first, int64_t n, const float* logits) {
        std::copy_n(logits, n * classes, other.begin() + first * classes);
      });
    }
    source.set(part, static_cast<uint32_t>(done));
    engine.evaluate(source, [&](int64_t first, int64_t n, const float* logits) {
      if (average) {
        float* mean = other.data() + first * classes;
        for (int64_t i = 0; i < n * classes; ++i) mean[i] = 0.5f * (logits[i] + mean[i]);
        logits = mean;
      }
      for (int64_t i = 0; i < n; ++i) {
        if (!options.logits.empty()) {
          std::copy_n(logits + i * classes, classes,
                      options.logits.begin() + static_cast<int64_t>(place(first + i)) * classes);
        }
        samples[place(first + i)] =
            loss.compute(logits + i * classes, 1, classes, source.targets(first + i), 1, nullptr);
      }
    });
    done += count;
  }
  BatchMean batch_mean(batch);
  LossSums total;
  for (const LossSums& sample : samples) {
    if (sample.samples == 0) continue;
    total += sample;
    batch_mean.add(sample.loss);
  }
  return to_metrics(total, batch_mean.result());
}

}  // namespace frugal

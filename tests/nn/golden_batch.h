// Batches in memory, losses and SGD written for plainness: what tests need to drive an Engine without data
// and train.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "golden_tensor.h"
#include "graph/graph.h"
#include "nn/engine.h"

namespace frugal::golden {

/// Images [n, H, W, C] and either labels or a row of numbers a sample.
class MemoryBatch : public BatchSource {
 public:
  Shape shape;
  std::vector<float> images;
  std::vector<int32_t> labels;
  std::vector<float> soft;
  int64_t classes = 0;

  int64_t size() const override { return static_cast<int64_t>(images.size()) / shape.elements(); }

  void fill(int64_t first, const TensorView& out) override {
    const float* value = images.data() + first * shape.elements();
    for (int64_t n = 0; n < out.shape[0]; ++n) {
      for (int64_t h = 0; h < shape.h; ++h) {
        for (int64_t w = 0; w < shape.w; ++w) {
          for (int64_t c = 0; c < shape.c; ++c, ++value) {
            void* at = out.at(n, h, w, c);
            if (out.type == DType::f32) {
              *static_cast<float*>(at) = *value;
            } else {
              *static_cast<uint16_t*>(at) = to_bf16(*value);
            }
          }
        }
      }
    }
  }

  Targets targets(int64_t first) const override {
    if (!soft.empty()) return {.soft = soft.data() + first * classes};
    return {.labels = labels.data() + first};
  }

  /// The inverse of targets(): which sample they belong to.
  int64_t first_of(const Targets& targets) const {
    return targets.labels ? targets.labels - labels.data() : (targets.soft - soft.data()) / classes;
  }
};

/// Cross-entropy on labels; with soft targets, the sum of logits weighted by them, whose gradient is those
/// weights: with random ones, every op's backward pass shows. Remembers the logits. The counts are no top-k,
/// only sums to check.
class TestLoss : public LogitLoss {
 public:
  explicit TestLoss(const MemoryBatch& batch) : batch_(batch) {}

  /// The logits of the last step, [n, classes].
  std::vector<float>& logits() const { return logits_; }
  /// Room for them must be there before the step, which calls compute() from several threads.
  void prepare(int64_t classes) { logits_.assign(static_cast<size_t>(batch_.size() * classes), NAN); }

  LossSums compute(const float* logits, int64_t count, int64_t classes, const Targets& targets, float scale,
                   float* gradient) const override {
    const int64_t first = batch_.first_of(targets);
    if (!logits_.empty()) std::copy_n(logits, count * classes, logits_.data() + first * classes);
    LossSums sums{0, count, 2 * count, 3 * count, count, static_cast<double>(count)};
    for (int64_t n = 0; n < count; ++n, logits += classes) {
      const double largest = *std::max_element(logits, logits + classes);
      double total = 0;
      for (int64_t k = 0; k < classes; ++k) total += std::exp(logits[k] - largest);
      if (targets.labels) sums.loss += std::log(total) + largest - logits[targets.labels[n]];
      for (int64_t k = 0; k < classes; ++k) {
        double derivative;
        if (targets.labels) {
          derivative = std::exp(logits[k] - largest) / total - (targets.labels[n] == k ? 1 : 0);
        } else {
          derivative = targets.soft[n * classes + k];
          sums.loss += derivative * logits[k];
        }
        if (gradient) gradient[n * classes + k] = static_cast<float>(scale * derivative);
      }
    }
    return sums;
  }

 private:
  const MemoryBatch& batch_;
  mutable std::vector<float> logits_;
};

/// Images and labels by rule, for `graph`; batches of different numbers differ.
inline MemoryBatch random_batch(const Graph& graph, int64_t count, uint32_t number) {
  MemoryBatch batch;
  batch.shape = graph.input;
  batch.classes = graph.classes;
  batch.images.resize(static_cast<size_t>(count * graph.input.elements()));
  fill_uniform(batch.images, 7, layer_images + number, 0.5f, 0.5f);
  batch.labels = draw_labels(count, 7, layer_targets + number, graph.classes);
  return batch;
}

struct Sgd {
  float lr, momentum, weight_decay;
  std::vector<float> velocity;

  /// As torch.optim.SGD. Gaps of the block hold zeros, and so they stay.
  void step(Engine& engine) {
    const std::span<float> weights = engine.parameters().weights();
    const std::span<float> gradients = engine.parameters().gradients();
    velocity.resize(weights.size());
    for (size_t i = 0; i < weights.size(); ++i) {
      velocity[i] = momentum * velocity[i] + gradients[i] + weight_decay * weights[i];
      weights[i] -= lr * velocity[i];
    }
    engine.weights_changed();
  }
};

}  // namespace frugal::golden

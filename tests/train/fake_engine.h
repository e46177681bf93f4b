// An engine so small that it is obviously right: any graph whose last two parameters are a linear layer's
// [classes, in] and [classes], applied to the pixels themselves. It works through shards and chunks
// backwards, so that whatever depends on their order comes to light.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "nn/engine.h"

namespace frugal {

class FakeEngine : public Engine {
 public:
  explicit FakeEngine(const Graph& graph) : graph_(graph), parameters_(graph) {}

  Parameters& parameters() override { return parameters_; }
  int threads() const override { return 1; }
  int64_t classes() const override { return parameters_.slots().back().shape.front(); }
  int64_t shard() const override { return largest_shard; }
  Precision precision() const override { return Precision::fp32; }
  int64_t activation_bytes() const override { return 0; }
  void train_at(const Graph&) override {}
  void evaluate_at(const Graph& graph) override { evaluated.push_back(graph.nodes.size()); }
  void weights_changed() override { ++changes; }

  void parallel_for(int64_t tasks, FunctionRef<void(int64_t)> task) override {
    for (int64_t i = tasks; i-- > 0;) task(i);
  }

  LossSums train_step(BatchSource& batch, const LogitLoss& loss, const StepKey& key) override {
    keys.push_back(key);
    batches.push_back(batch.size());
    ++parameters_.batches_tracked;
    std::ranges::fill(parameters_.gradients(), 0.0f);
    const int64_t count = batch.size(), inputs = graph_.input.elements();
    const std::vector<float> x = images(batch, 0, count), z = logits(x, count);
    std::vector<float> dz(z.size());
    const Targets targets = batch.targets(0);
    LossSums sums =
        loss.compute(z.data(), count, graph_.classes, targets, 1.0f / static_cast<float>(count), dz.data());
    const std::span<float> dw = parameters_.gradient(weight()), db = parameters_.gradient(weight() + 1);
    for (int64_t n = 0; n < count; ++n) {
      for (int64_t c = 0; c < graph_.classes; ++c) {
        const float d = dz[static_cast<size_t>(n * graph_.classes + c)];
        db[static_cast<size_t>(c)] += d;
        for (int64_t i = 0; i < inputs; ++i) {
          dw[static_cast<size_t>(c * inputs + i)] += d * x[static_cast<size_t>(n * inputs + i)];
        }
      }
    }
    if (on_train_step) on_train_step(sums);
    return sums;
  }

  void evaluate(BatchSource& batch, const LogitSink& sink) override {
    for (int64_t end = batch.size(); end > 0;) {
      const int64_t count = std::min(shard(), end), first = end - count;
      const std::vector<float> z = logits(images(batch, first, count), count);
      sink(first, count, z.data());
      end = first;
    }
    if (on_evaluate) on_evaluate(batch.size());
  }

  int changes = 0;
  int64_t largest_shard = 4;
  std::vector<size_t> evaluated;  // the nodes of what evaluate_at was asked for
  std::vector<StepKey> keys;
  std::vector<int64_t> batches;
  std::function<void(LossSums&)> on_train_step;
  std::function<void(int64_t)> on_evaluate;

 private:
  int weight() const { return static_cast<int>(graph_.parameters.size()) - 2; }

  std::vector<float> images(BatchSource& batch, int64_t first, int64_t count) const {
    std::vector<float> x(static_cast<size_t>(count * graph_.input.elements()));
    const Shape& s = graph_.input;
    batch.fill(first, TensorView::dense(x.data(), DType::f32, {count, s.h, s.w, s.c}));
    return x;
  }

  std::vector<float> logits(const std::vector<float>& x, int64_t count) {
    const int64_t inputs = graph_.input.elements();
    const std::span<float> w = parameters_.weight(weight()), b = parameters_.weight(weight() + 1);
    std::vector<float> z;
    for (int64_t n = 0; n < count; ++n) {
      for (int64_t c = 0; c < graph_.classes; ++c) {
        float sum = b[static_cast<size_t>(c)];
        for (int64_t i = 0; i < inputs; ++i) {
          sum += w[static_cast<size_t>(c * inputs + i)] * x[static_cast<size_t>(n * inputs + i)];
        }
        z.push_back(sum);
      }
    }
    return z;
  }

  const Graph& graph_;
  Parameters parameters_;
};

}  // namespace frugal

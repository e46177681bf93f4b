#include "train/accumulate.h"

#include "train/chunks.h"

namespace frugal {

GradientAccumulator::GradientAccumulator(int64_t batches, Parameters& parameters)
    : batches_(batches), part_(1 / static_cast<float>(batches)) {
  if (batches > 1) sum_ = parameters.add_state();
}

bool GradientAccumulator::add(Engine& engine, int64_t batch, int64_t epoch_batches) {
  if (batches_ == 1) return true;
  const int64_t place = batch % batches_;
  const bool begins = place == 0, ends = place == batches_ - 1 || batch == epoch_batches - 1;
  const std::span<float> gradients = engine.parameters().gradients();
  for_each_chunk(engine, static_cast<int64_t>(gradients.size()), [&](int64_t, int64_t first, int64_t last) {
    float* const g = gradients.data();
    float* const sum = sum_.data();
    float* const to = ends ? g : sum;
    for (int64_t i = first; i < last; ++i) to[i] = (begins ? 0.0f : sum[i]) + part_ * g[i];
  });
  return ends;
}

}  // namespace frugal

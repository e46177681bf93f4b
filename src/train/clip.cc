#include "train/clip.h"

#include <cmath>

#include "train/chunks.h"

namespace frugal {
namespace {

constexpr double eps = 1e-6;  // PyTorch's

}  // namespace

double GradientClip::apply(Engine& engine) {
  if (max_norm_ == 0) return 0;
  const std::span<float> gradients = engine.parameters().gradients();
  const auto size = static_cast<int64_t>(gradients.size());
  partial_.resize(static_cast<size_t>(chunk_count(size)));
  for_each_chunk(engine, size, [&](int64_t chunk, int64_t first, int64_t last) {
    partial_[static_cast<size_t>(chunk)] = sum_of_squares(gradients.data() + first, last - first);
  });
  double sum = 0;
  for (const double squares : partial_) sum += squares;
  const double norm = std::sqrt(sum), factor = max_norm_ / (norm + eps);
  if (!(factor < 1) || !std::isfinite(norm)) return norm;
  const auto scale = static_cast<float>(factor);
  for_each_chunk(engine, size, [&](int64_t, int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) gradients[static_cast<size_t>(i)] *= scale;
  });
  return norm;
}

}  // namespace frugal

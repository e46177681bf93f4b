#include "train/ema.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "train/chunks.h"

namespace frugal {
namespace {

void pull(float* __restrict average, const float* __restrict value, int64_t count, float part) {
  for (int64_t i = 0; i < count; ++i) average[i] += part * (value[i] - average[i]);
}

}  // namespace

Ema::Ema(double decay, const Parameters& parameters)
    : decay_(decay),
      weights_(static_cast<int64_t>(parameters.weights().size())),
      buffers_(static_cast<int64_t>(parameters.buffers().size())) {}

void Ema::update(Engine& engine, int64_t steps) {
  const std::span<const float> weights = engine.parameters().weights(),
                               buffers = engine.parameters().buffers();
  if (steps <= 1) {
    std::ranges::copy(weights, weights_.span().begin());
    std::ranges::copy(buffers, buffers_.span().begin());
    return;
  }
  const auto t = static_cast<double>(steps - 1);  // updates of an average that there was
  const auto part = static_cast<float>(1 - std::min(decay_, (1 + t) / (10 + t)));
  // Chunks of both blocks, as if one lay behind the other.
  const auto size = static_cast<int64_t>(weights.size()), all = size + static_cast<int64_t>(buffers.size());
  for_each_chunk(engine, all, [&](int64_t, int64_t first, int64_t last) {
    if (first < size) {
      pull(weights_.span().data() + first, weights.data() + first, std::min(last, size) - first, part);
    }
    if (last > size) {
      const int64_t begin = std::max(first, size) - size;
      pull(buffers_.span().data() + begin, buffers.data() + begin, last - size - begin, part);
    }
  });
}

void Ema::swap_with(Parameters& parameters) {
  std::ranges::swap_ranges(weights_.span(), parameters.weights());
  std::ranges::swap_ranges(buffers_.span(), parameters.buffers());
}

void check_ema(double decay) {
  if (!(decay >= 0 && decay < 1)) throw usage_error("--ema must be a decay in [0, 1); 0: no average");
}

}  // namespace frugal

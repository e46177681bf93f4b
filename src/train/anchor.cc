#include "train/anchor.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/safetensors.h"

namespace frugal {
namespace {

std::span<float> of_slot(AlignedFloats& block, const Slot& slot) {
  return block.span().subspan(static_cast<size_t>(slot.offset), static_cast<size_t>(slot.size));
}

bool fits(const TensorRecord* tensor, const Slot& slot) {
  return tensor && tensor->shape == slot.shape && tensor->dtype == "F32";
}

}  // namespace

Anchor::Anchor(const Parameters& parameters)
    : weights(static_cast<int64_t>(parameters.weights().size())),
      strengths(static_cast<int64_t>(parameters.weights().size())) {}

double AnchorPenalty::apply(double coefficient, const float* weights, float* gradients, int64_t first,
                            int64_t last) const {
  const float *anchor = anchor_.weights.span().data(), *strength = anchor_.strengths.span().data();
  // Eight sums in turn: a fixed order that vectors can follow.
  constexpr int64_t lanes = 8;
  double squares[lanes] = {};
  const auto pull = static_cast<float>(coefficient);
  const auto one = [&](int64_t i, int64_t lane) {
    const float away = weights[i] - anchor[i], force = strength[i] * away;
    squares[lane] += static_cast<double>(force) * away;
    gradients[i] += pull * force;
  };
  int64_t i = first;
  for (; i + lanes <= last; i += lanes) {
    for (int64_t lane = 0; lane < lanes; ++lane) one(i + lane, lane);
  }
  for (; i < last; ++i) one(i, 0);
  double sum = 0;
  for (const double square : squares) sum += square;
  return coefficient * 0.5 * sum;
}

Anchor anchor_at(const Parameters& parameters, std::span<const int> which) {
  Anchor anchor(parameters);
  for (const int i : which) {
    const Slot& slot = parameters.slots()[static_cast<size_t>(i)];
    if (!slot.trainable) continue;  // it stays anyway
    const auto now =
        parameters.weights().subspan(static_cast<size_t>(slot.offset), static_cast<size_t>(slot.size));
    std::ranges::copy(now, of_slot(anchor.weights, slot).begin());
    std::ranges::fill(of_slot(anchor.strengths, slot), 1.0f);
  }
  return anchor;
}

Anchor read_anchor(const std::filesystem::path& path, const Parameters& parameters) {
  const SafetensorsFile file = read_safetensors(path);
  const bool weighted = std::ranges::any_of(
      file.tensors, [](const TensorRecord& tensor) { return tensor.name.starts_with("fisher."); });
  Anchor anchor(parameters);
  bool any = false;
  for (const Slot& slot : parameters.slots()) {
    const TensorRecord* weights = file.find(slot.name);
    const TensorRecord* strengths = file.find("fisher." + slot.name);
    if (!slot.trainable || !fits(weights, slot) || (weighted && !fits(strengths, slot))) continue;
    any = true;
    std::memcpy(of_slot(anchor.weights, slot).data(), weights->data.data(), weights->data.size());
    if (weighted) {
      std::memcpy(of_slot(anchor.strengths, slot).data(), strengths->data.data(), strengths->data.size());
    } else {
      std::ranges::fill(of_slot(anchor.strengths, slot), 1.0f);
    }
  }
  if (!any) {
    throw Error(path.string() +
                " has no weights of this network to be pulled to; frugal fisher RUN writes such files");
  }
  return anchor;
}

void write_anchor(const std::filesystem::path& path, const Parameters& parameters,
                  std::span<const int> which) {
  std::vector<TensorRecord> tensors;
  for (const int i : which) {
    const Slot& slot = parameters.slots()[static_cast<size_t>(i)];
    if (!slot.trainable) continue;
    const float* data = parameters.weights().data() + slot.offset;
    tensors.push_back(
        {slot.name,
         "F32",
         slot.shape,
         {reinterpret_cast<const uint8_t*>(data), static_cast<size_t>(slot.size) * sizeof(float)}});
  }
  write_safetensors(path, {}, tensors);
}

}  // namespace frugal

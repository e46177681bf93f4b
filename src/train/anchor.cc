#include "train/anchor.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "train/chunks.h"

namespace frugal {
namespace {

std::span<float> of_slot(AlignedFloats& block, const Slot& slot) {
  return block.span().subspan(static_cast<size_t>(slot.offset), static_cast<size_t>(slot.size));
}

bool fits(const TensorRecord* tensor, const Slot& slot) {
  return tensor && tensor->shape == slot.shape && tensor->dtype == "F32";
}

}  // namespace

TensorRecord tensor_of(const std::string& name, const Slot& slot, std::span<const float> block) {
  const auto numbers = block.subspan(static_cast<size_t>(slot.offset), static_cast<size_t>(slot.size));
  return {name, "F32", slot.shape, {reinterpret_cast<const uint8_t*>(numbers.data()), numbers.size_bytes()}};
}

Anchor::Anchor(const Parameters& parameters)
    : weights(static_cast<int64_t>(parameters.weights().size())),
      strengths(static_cast<int64_t>(parameters.weights().size())) {}

double AnchorPenalty::apply(double coefficient, const float* weights, float* gradients, int64_t first,
                            int64_t last) const {
  const float *anchor = anchor_.weights.span().data(), *strength = anchor_.strengths.span().data();
  const auto pull = static_cast<float>(coefficient);
  return coefficient * 0.5 * sum_in_lanes(first, last, [&](int64_t i) {
           const float away = weights[i] - anchor[i], force = strength[i] * away;
           gradients[i] += pull * force;
           return static_cast<double>(force) * away;
         });
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

std::filesystem::path initial_anchor_file(const std::filesystem::path& run) {
  return run / "anchor.safetensors";
}

std::vector<std::filesystem::path> kept_fisher_files(const std::filesystem::path& run, size_t count) {
  std::vector<std::filesystem::path> files;
  files.reserve(count);
  for (size_t i = 1; i <= count; ++i) files.push_back(run / ("anchor-" + std::to_string(i) + ".safetensors"));
  return files;
}

void keep_fisher_files(const std::filesystem::path& run, std::span<const std::filesystem::path> files) {
  const std::vector<std::filesystem::path> kept = kept_fisher_files(run, files.size());
  for (size_t i = 0; i < files.size(); ++i) {
    const std::vector<uint8_t> bytes = read_file(files[i]);
    write_file_atomic(kept[i], {{bytes}});
  }
}

void write_anchor(const std::filesystem::path& path, const Parameters& parameters,
                  std::span<const int> which) {
  std::vector<TensorRecord> tensors;
  for (const int i : which) {
    const Slot& slot = parameters.slots()[static_cast<size_t>(i)];
    if (!slot.trainable) continue;
    tensors.push_back(tensor_of(slot.name, slot, parameters.weights()));
  }
  write_safetensors(path, {}, tensors);
}

}  // namespace frugal

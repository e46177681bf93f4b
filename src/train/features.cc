#include "train/features.h"

#include <cstring>
#include <numeric>

namespace frugal {
namespace {

DType type_of(Precision precision) { return precision == Precision::bf16 ? DType::bf16 : DType::f32; }

int64_t image_bytes(const CutGraph& cut, Precision precision) {
  return cut.above.input.elements() * size_of(type_of(precision));
}

/// The least part of a step's work that has to be saved.
constexpr double least_saving = 0.1;

}  // namespace

bool worth_keeping(const CutGraph& cut) {
  // A backward pass takes two forward ones.
  const auto below = static_cast<double>(cut.below.macs()), above = static_cast<double>(cut.above.macs());
  return below / (below + 3 * above) >= least_saving;
}

int64_t Features::bytes(const CutGraph& cut, const ImageSet& images, Precision precision) {
  return images.count * image_bytes(cut, precision);
}

Features::Features(size_t image_bytes, int64_t images)
    : image_bytes_(image_bytes), data_(static_cast<size_t>(images) * image_bytes) {}

std::optional<Features> Features::of(Engine& engine, const CutGraph& cut, const ImageSet& images,
                                     const Normalization& normalization, const GoOn& go_on) {
  Features features(static_cast<size_t>(image_bytes(cut, engine.precision())), images.count);
  const bool bf16 = engine.precision() == Precision::bf16;
  const int64_t elements = cut.above.input.elements();
  engine.evaluate_at(cut.below);
  DatasetBatch batch(images, {.normalization = normalization}, engine.classes());
  std::vector<int32_t> ids(static_cast<size_t>(images.count));
  std::iota(ids.begin(), ids.end(), 0);
  const LogitSink keep = [&](int64_t first, int64_t count, const float* values) {
    std::byte* to = features.data_.data() + static_cast<size_t>(first) * features.image_bytes_;
    if (!bf16) {
      std::memcpy(to, values, static_cast<size_t>(count) * features.image_bytes_);
      return;
    }
    // Exact: they were bf16 before the sink got them, or are rounded as the next layer's input would be.
    auto* rounded = reinterpret_cast<uint16_t*>(to);
    for (int64_t i = 0; i < count * elements; ++i) rounded[i] = to_bf16(values[i]);
  };
  if (!evaluate_in_blocks(engine, batch, ids, keep, go_on)) return {};
  return features;
}

void Features::fill(std::span<const int32_t> ids, const TensorView& out) const {
  for (size_t i = 0; i < ids.size(); ++i) {
    std::memcpy(out.at(static_cast<int64_t>(i)), data_.data() + static_cast<size_t>(ids[i]) * image_bytes_,
                image_bytes_);
  }
}

}  // namespace frugal

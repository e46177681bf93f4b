#include "nn/parameters.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <type_traits>

#include "nn/initialise.h"

namespace frugal {
namespace {

int64_t aligned(int64_t floats) { return (floats + slot_alignment - 1) / slot_alignment * slot_alignment; }

template <class Spec>
Slot slot_of(const Spec& spec) {
  Slot slot{spec.name, spec.shape, 0, 1};
  for (int64_t extent : spec.shape) slot.size *= extent;
  if constexpr (std::is_same_v<Spec, ParameterSpec>) slot.trainable = spec.trainable;
  return slot;
}

/// In the order of `specs`, but those that are not trainable behind the others.
template <class Spec>
std::vector<Slot> lay_out(const std::vector<Spec>& specs) {
  std::vector<Slot> slots;
  slots.reserve(specs.size());
  for (const Spec& spec : specs) slots.push_back(slot_of(spec));
  int64_t end = 0;
  for (const bool trainable : {true, false}) {
    for (Slot& slot : slots) {
      if (slot.trainable != trainable) continue;
      slot.offset = end;
      end += aligned(slot.size);
    }
  }
  return slots;
}

/// Floats up to the end of the last slot, or of the last trainable one.
int64_t block_size(const std::vector<Slot>& slots, bool only_trainable = false) {
  int64_t end = 0;
  for (const Slot& slot : slots) {
    if (slot.trainable || !only_trainable) end = std::max(end, slot.offset + aligned(slot.size));
  }
  return end;
}

}  // namespace

AlignedFloats::AlignedFloats(int64_t size) : size_(size) {
  const size_t bytes = (static_cast<size_t>(std::max<int64_t>(size, 1)) * sizeof(float) + 63) / 64 * 64;
  auto* p = static_cast<float*>(std::aligned_alloc(64, bytes));
  if (p == nullptr) throw std::bad_alloc();
  std::fill_n(p, bytes / sizeof(float), 0.0f);
  data_.reset(p);
}

void AlignedFloats::Free::operator()(float* p) const { std::free(p); }

Parameters::Parameters(const Graph& graph)
    : specs_(graph.parameters),
      slots_(lay_out(graph.parameters)),
      buffer_slots_(lay_out(graph.buffers)),
      trainable_block_(static_cast<size_t>(block_size(slots_, true))),
      weights_(block_size(slots_)),
      gradients_(block_size(slots_)),
      buffers_(block_size(buffer_slots_)),
      count_(graph.parameter_count()),
      trainable_count_(graph.trainable_count()) {
  for (size_t i = 0; i < graph.buffers.size(); ++i) {
    std::ranges::fill(buffer(static_cast<int>(i)), graph.buffers[i].initial);
  }
}

void Parameters::initialise(uint64_t seed) {
  for (size_t i = 0; i < specs_.size(); ++i) {
    initialise_parameter(specs_[i], seed, static_cast<uint32_t>(i), weight(static_cast<int>(i)));
  }
}

std::span<float> Parameters::add_state() {
  states_.emplace_back(static_cast<int64_t>(trainable_block_));
  return states_.back().span();
}

}  // namespace frugal

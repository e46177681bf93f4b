#include "nn/parameters.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <new>

#include "base/philox.h"

namespace frugal {
namespace {

constexpr int64_t slot_alignment = 16;  // floats: a cache line, and a vector of AVX-512

template <class Spec>
std::vector<Slot> lay_out(const std::vector<Spec>& specs) {
  std::vector<Slot> slots;
  int64_t end = 0;
  for (const Spec& spec : specs) {
    int64_t size = 1;
    for (int64_t extent : spec.shape) size *= extent;
    slots.push_back({spec.name, spec.shape, end, size});
    end += (size + slot_alignment - 1) / slot_alignment * slot_alignment;
  }
  return slots;
}

int64_t block_size(const std::vector<Slot>& slots) {
  if (slots.empty()) return 0;
  return (slots.back().offset + slots.back().size + slot_alignment - 1) / slot_alignment * slot_alignment;
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
      weights_(block_size(slots_)),
      gradients_(block_size(slots_)),
      buffers_(block_size(buffer_slots_)),
      count_(graph.parameter_count()) {
  for (size_t i = 0; i < graph.buffers.size(); ++i) {
    std::ranges::fill(buffer(static_cast<int>(i)), graph.buffers[i].initial);
  }
}

void Parameters::initialise(uint64_t seed) {
  for (size_t i = 0; i < specs_.size(); ++i) {
    const ParameterSpec& spec = specs_[i];
    const std::span<float> values = weight(static_cast<int>(i));
    if (spec.init != Init::uniform_fan_in) {
      std::ranges::fill(values, spec.init == Init::ones ? 1.0f : 0.0f);
      continue;
    }
    // torch.nn.Conv2d and Linear: kaiming_uniform_(a=sqrt(5)) is uniform in +-1/sqrt(fan_in); so is the bias.
    const float bound = 1.0f / std::sqrt(static_cast<float>(spec.fan_in));
    const RandomStream random(seed, Purpose::initialise, static_cast<uint32_t>(i));
    for (size_t k = 0; k < values.size(); k += 4) {
      const auto words = random.block(0, static_cast<uint32_t>(k / 4));
      for (size_t j = 0; j < 4 && k + j < values.size(); ++j) {
        values[k + j] = (2.0f * uniform01(words[j]) - 1.0f) * bound;
      }
    }
  }
}

std::span<float> Parameters::add_state() {
  states_.emplace_back(static_cast<int64_t>(weights_.span().size()));
  return states_.back().span();
}

}  // namespace frugal

// Everything that training changes: weights, gradients, optimizer states and buffers, each one flat aligned
// fp32 block in PyTorch's order, shapes and layout, with named views.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace frugal {

/// 64-byte aligned floats, zero at first.
class AlignedFloats {
 public:
  explicit AlignedFloats(int64_t size);
  std::span<float> span() { return {data_.get(), static_cast<size_t>(size_)}; }
  std::span<const float> span() const { return {data_.get(), static_cast<size_t>(size_)}; }

 private:
  struct Free {
    void operator()(float* p) const;
  };
  std::unique_ptr<float[], Free> data_;
  int64_t size_;
};

inline constexpr int64_t slot_alignment = 16;  // floats: a cache line, and a vector of AVX-512

/// Where a named tensor lies in its block. Offsets are multiples of slot_alignment; the gaps hold zeros and
/// stay zero.
struct Slot {
  std::string name;
  std::vector<int64_t> shape;
  int64_t offset = 0;
  int64_t size = 0;
  bool trainable = true;  // buffers: as it stands
};

/// Parameters that are not trainable lie behind all that are, so that whatever changes the weights
/// (optimizers, penalties, averages) runs over one stretch of the block and cannot touch them.
class Parameters {
 public:
  /// Weights are zero until initialise() or a checkpoint fills them; buffers have their initial values.
  explicit Parameters(const Graph& graph);

  /// Every parameter as its ParameterSpec says (nn/initialise.h).
  void initialise(uint64_t seed);

  std::span<const Slot> slots() const { return slots_; }                // as Graph::parameters
  std::span<const Slot> buffer_slots() const { return buffer_slots_; }  // as Graph::buffers
  /// What training changes, gaps included.
  std::span<float> weights() { return weights_.span().first(trainable_block_); }
  std::span<const float> weights() const { return weights_.span().first(trainable_block_); }
  std::span<float> gradients() { return gradients_.span().first(trainable_block_); }
  /// The whole block, to which the slots' offsets refer: trainable parameters, then the others.
  std::span<float> all_weights() { return weights_.span(); }
  std::span<const float> all_weights() const { return weights_.span(); }
  std::span<float> buffers() { return buffers_.span(); }
  std::span<const float> buffers() const { return buffers_.span(); }
  /// Of any parameter, trainable or not.
  std::span<float> weight(int i) { return view(weights_, slots_[static_cast<size_t>(i)]); }
  std::span<float> gradient(int i) { return view(gradients_, slots_[static_cast<size_t>(i)]); }
  std::span<float> buffer(int i) { return view(buffers_, buffer_slots_[static_cast<size_t>(i)]); }

  /// Optimizer states: further blocks with the layout of weights(), zero at first.
  std::span<float> add_state();
  size_t states() const { return states_.size(); }
  std::span<float> state(size_t i) { return states_[i].span(); }

  /// Training steps that batch-norm has seen (PyTorch's num_batches_tracked, the same for every layer).
  int64_t batches_tracked = 0;

  /// Numbers, gaps not counted.
  int64_t count() const { return count_; }
  int64_t trainable_count() const { return trainable_count_; }

 private:
  static std::span<float> view(AlignedFloats& block, const Slot& slot) {
    return block.span().subspan(static_cast<size_t>(slot.offset), static_cast<size_t>(slot.size));
  }
  std::vector<ParameterSpec> specs_;
  std::vector<Slot> slots_, buffer_slots_;
  size_t trainable_block_;
  AlignedFloats weights_, gradients_, buffers_;
  std::vector<AlignedFloats> states_;
  int64_t count_ = 0, trainable_count_ = 0;
};

}  // namespace frugal

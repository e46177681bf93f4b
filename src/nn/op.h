// What a Program is made of: fused operations, each planned for one shard size, run by a worker on one shard
// at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "nn/engine.h"
#include "nn/packed_weights.h"
#include "nn/partials.h"

namespace frugal {

/// Where a buffer lies follows from how long its contents are needed.
enum class Scope {
  worker,  // within one segment: in the worker's arena
  batch,   // across a meeting point: in the batch's, where each shard has its part
};

/// The planner decides scope and offset when all calls are known; ops only say how much they need.
struct BufferPlan {
  int64_t sample_bytes = 0;  // grows with the shard
  int64_t fixed_bytes = 0;   // once for each worker
  Scope scope = Scope::worker;
  int64_t offset = 0;  // in the worker's arena; in the batch's, bytes for each sample of the batch
};

using BufferId = int;  // index into the program's buffers; -1: none

/// One batch in flight.
struct StepContext {
  BatchSource* source = nullptr;
  const LogitLoss* loss = nullptr;  // training
  const LogitSink* sink = nullptr;  // evaluation
  StepKey key;
  int64_t batch = 0;
  double weight = 0;  // of the batch's samples, for the mean loss
  Partials* partials = nullptr;
  std::byte* batch_arena = nullptr;
  std::byte* batch_buffer(const BufferPlan& plan, int64_t first) const {
    return batch_arena + plan.offset * batch + first * plan.sample_bytes;
  }
};

/// One shard in the hands of one worker.
struct ShardRun {
  const StepContext& step;
  const std::vector<BufferPlan>& buffers;
  int64_t shard, first, count;  // its number, its first sample in the batch, its samples
  int worker;
  std::byte* arena;

  template <class T = void>
  T* at(BufferId id) const {
    if (id < 0) return nullptr;
    const BufferPlan& plan = buffers[static_cast<size_t>(id)];
    std::byte* p = plan.scope == Scope::worker ? arena + plan.offset : step.batch_buffer(plan, first);
    return reinterpret_cast<T*>(p);
  }
};

/// What ops share while they are planned: the engine's, and the program's shard size and type.
struct OpContext {
  const Graph& graph;
  Parameters& parameters;
  PackedWeights& packed;
  std::vector<BufferPlan>& buffers;  // [0] is the primitives' scratch memory
  std::vector<BufferId>& scratch;    // which of them live within a call
  std::vector<int>& packings;        // which packed weights the program reads
  int workers;
  int64_t shard;  // samples
  bool training, bf16, sync;

  /// Whether training changes a parameter.
  bool trains(int parameter) const { return graph.parameters[static_cast<size_t>(parameter)].trainable; }

  /// What forward() leaves for backward().
  BufferId add_saved(int64_t sample_bytes) const {
    buffers.push_back({.sample_bytes = sample_bytes});
    return static_cast<BufferId>(buffers.size()) - 1;
  }
  /// Room within one call: nothing in it outlives that.
  BufferId add_scratch(int64_t sample_bytes, int64_t fixed_bytes = 0) const {
    buffers.push_back({.sample_bytes = sample_bytes, .fixed_bytes = fixed_bytes});
    scratch.push_back(static_cast<BufferId>(buffers.size()) - 1);
    return scratch.back();
  }
  void need_scratch(int64_t bytes) const { buffers[0].fixed_bytes = std::max(buffers[0].fixed_bytes, bytes); }
  int pack(int parameter, const onednn::Desc& plain, const onednn::Desc& wanted) const {
    packings.push_back(packed.request(parameter, plain, wanted));
    return packings.back();
  }
  int pack_rotated(const Node& conv, const onednn::Desc& wanted) const {
    const onednn::Dims weights = {conv.out.c, conv.in.c / conv.groups, conv.kernel.h, conv.kernel.w};
    packings.push_back(packed.request_rotated(conv.parameters[0], weights, conv.groups, wanted));
    return packings.back();
  }
  int64_t type_bytes() const { return bf16 ? 2 : 4; }
  onednn::Type type() const { return bf16 ? onednn::Type::bf16 : onednn::Type::f32; }
};

/// A value between two ops: where it and its gradient lie. They may share a buffer.
struct ValueBuffers {
  Shape shape;
  BufferId data = -1;
  BufferId gradient = -1;   // -1: nobody needs it
  bool accumulate = false;  // of an input: another user of it has written to its gradient, add to that
};

class Op {
 public:
  virtual ~Op() = default;
  /// Statistics that forward() needs from all shards (sync) or its own (ghost).
  virtual void forward_statistics(const ShardRun&) const {}
  virtual void forward(const ShardRun&) const = 0;
  /// Likewise for backward().
  virtual void backward_statistics(const ShardRun&) const {}
  virtual void backward(const ShardRun&) const {}
};

/// Calls f with float{} or uint16_t{}, for kernels that are templates of the element type.
template <class F>
void with_type(bool bf16, F&& f) {
  if (bf16) {
    f(uint16_t{});
  } else {
    f(float{});
  }
}

}  // namespace frugal

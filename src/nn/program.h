// A graph planned for one shard size: fused ops, their buffers, and the segments between meeting points.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "nn/lifetimes.h"
#include "nn/op.h"

namespace frugal {

/// What a shard does by itself, and what is combined over all shards when they are through.
struct Segment {
  struct Call {
    const Op* op;
    void (Op::*run)(const ShardRun&) const;
    int node;  // of the graph, and the direction: for whoever measures
    bool backward;
  };
  std::vector<Call> calls;
  Reductions reductions;
};

/// A weight gradient that is computed over the whole batch, after the shards.
struct DeferredGradient {
  int node = 0;
  int weight = -1, bias = -1;  // parameters; bias -1: none
  int64_t inputs = 0, outputs = 0;
  BufferId x = -1, dy = -1;  // [batch, inputs], [batch, outputs], in the program's type
};

class Program {
 public:
  /// Batch offsets do not depend on the shard size, so programs of different sizes share a batch's arena.
  Program(const Graph& graph, Parameters& parameters, PackedWeights& packed, int workers, int64_t shard,
          bool training, bool bf16, bool sync);

  const std::vector<Segment>& segments() const { return segments_; }
  const std::vector<BufferPlan>& buffers() const { return buffers_; }
  const std::vector<DeferredGradient>& deferred() const { return deferred_; }
  const std::vector<int>& packings() const { return packings_; }  // packed weights to be fresh
  const ArenaSizes& arenas() const { return arenas_; }

 private:
  std::vector<std::unique_ptr<Op>> ops_;  // in forward order, the loss last
  std::vector<Segment> segments_;
  std::vector<BufferPlan> buffers_;
  std::vector<DeferredGradient> deferred_;
  std::vector<int> packings_;
  ArenaSizes arenas_;
};

struct ParameterRoles {
  std::vector<bool> in_shards;  // its gradient, or what batch-norm needs in its place, comes shard by shard
  std::vector<bool> has_gradient;  // not so: frozen, or a bias before batch-norm
};
ParameterRoles parameter_roles(const Graph& graph);

}  // namespace frugal

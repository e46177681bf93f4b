// What every shard yields by itself and the tree then sums: gradients, batch-norm moments, losses. Shard 0
// writes its gradients straight into Parameters, where the sum ends up.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "graph/graph.h"
#include "nn/engine.h"
#include "nn/parameters.h"

namespace frugal {

/// What is combined over shards at a meeting point.
struct Reductions {
  std::vector<int> gradients;  // parameters
  std::vector<int> moments;    // batch-norms, counted through the graph
  bool loss = false;
};

class Partials {
 public:
  /// `in_shards`: which parameters get their gradient shard by shard.
  Partials(const Graph& graph, Parameters& parameters, const std::vector<bool>& in_shards);

  /// Makes room; `first` holds the first sample of each shard, and behind them the size of the batch.
  void prepare(std::span<const int64_t> first);
  /// Bytes that prepare() would take for so many shards, beside what is there.
  int64_t missing_bytes(int64_t shards) const;

  float* gradient(int64_t shard, int parameter);
  float* mean(int64_t shard, int norm);
  float* m2(int64_t shard, int norm);
  LossSums& loss(int64_t shard) { return losses_[static_cast<size_t>(shard)]; }

  /// Adds shard `right`, which stands for shards [right, end), into shard `left`, which stands for [left,
  /// right).
  void combine(const Reductions& what, int64_t left, int64_t right, int64_t end);

 private:
  struct Norm {
    int64_t channels, positions, offset;  // positions: rows of a sample, h * w
  };
  Parameters& parameters_;
  std::vector<int64_t> gradient_offsets_;  // by parameter, within a shard's block; -1: not in shards
  std::vector<Norm> norms_;
  int64_t gradient_block_ = 0, norm_block_ = 0;  // floats of a shard
  std::vector<AlignedFloats> gradients_;         // shards 1 and up
  std::vector<AlignedFloats> moments_;           // all shards
  std::vector<LossSums> losses_;
  std::vector<int64_t> first_;
};

}  // namespace frugal

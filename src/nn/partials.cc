#include "nn/partials.h"

#include <algorithm>

#include "nn/kernels/moments.h"

namespace frugal {
namespace {
int64_t aligned(int64_t floats) { return (floats + 15) / 16 * 16; }
}  // namespace

Partials::Partials(const Graph& graph, Parameters& parameters, const std::vector<bool>& in_shards)
    : parameters_(parameters) {
  for (size_t i = 0; i < in_shards.size(); ++i) {
    gradient_offsets_.push_back(in_shards[i] ? gradient_block_ : -1);
    if (in_shards[i]) gradient_block_ += aligned(graph.parameters[i].elements());
  }
  for (const Node& node : graph.nodes) {
    if (node.kind != OpKind::batch_norm) continue;
    norms_.push_back({node.in.c, node.in.h * node.in.w, norm_block_});
    norm_block_ += 2 * aligned(node.in.c);
  }
}

void Partials::prepare(std::span<const int64_t> first) {
  first_.assign(first.begin(), first.end());
  const size_t shards = first.size() - 1;
  while (gradients_.size() + 1 < shards) gradients_.emplace_back(gradient_block_);
  while (moments_.size() < shards) moments_.emplace_back(norm_block_);
  if (losses_.size() < shards) losses_.resize(shards);
}

int64_t Partials::missing_bytes(int64_t shards) const {
  const auto missing = [shards](int64_t had) { return std::max<int64_t>(0, shards - had); };
  return int64_t{sizeof(float)} * (missing(std::ssize(gradients_) + 1) * gradient_block_ +
                                   missing(std::ssize(moments_)) * norm_block_);
}

float* Partials::gradient(int64_t shard, int parameter) {
  if (shard == 0) return parameters_.gradient(parameter).data();
  return gradients_[static_cast<size_t>(shard - 1)].span().data() +
         gradient_offsets_[static_cast<size_t>(parameter)];
}

float* Partials::mean(int64_t shard, int norm) {
  return moments_[static_cast<size_t>(shard)].span().data() + norms_[static_cast<size_t>(norm)].offset;
}

float* Partials::m2(int64_t shard, int norm) {
  return mean(shard, norm) + aligned(norms_[static_cast<size_t>(norm)].channels);
}

void Partials::combine(const Reductions& what, int64_t left, int64_t right, int64_t end) {
  for (const int parameter : what.gradients) {
    const int64_t size = parameters_.slots()[static_cast<size_t>(parameter)].size;
    float* sum = gradient(left, parameter);
    const float* term = gradient(right, parameter);
    for (int64_t i = 0; i < size; ++i) sum[i] += term[i];
  }
  for (const int index : what.moments) {
    const Norm& norm = norms_[static_cast<size_t>(index)];
    const auto rows = [&](int64_t from, int64_t to) {
      return (first_[static_cast<size_t>(to)] - first_[static_cast<size_t>(from)]) * norm.positions;
    };
    combine_moments(norm.channels, rows(left, right), mean(left, index), m2(left, index), rows(right, end),
                    mean(right, index), m2(right, index));
  }
  if (what.loss) loss(left) += loss(right);
}

}  // namespace frugal

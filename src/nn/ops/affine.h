// Weight and bias of a group or layer norm: either may be missing, or frozen.
#pragma once

#include <algorithm>

#include "nn/op.h"

namespace frugal {

class NormAffine {
 public:
  NormAffine(const OpContext& context, const Node& node) : parameters_(context.parameters) {
    for (size_t i = 0; i < node.parameters.size(); ++i) {
      index_[i] = node.parameters[i];
      trainable_[i] = context.trains(index_[i]);
    }
  }

  /// [c], or null.
  const float* weight() const { return values(0); }
  const float* bias() const { return values(1); }

  /// Where the shard's gradients are added up, zero at first; null where there is none.
  struct Gradients {
    float *weight, *bias;
  };
  Gradients clear_gradients(const ShardRun& run) const { return {clear(run, 0), clear(run, 1)}; }

 private:
  const float* values(size_t i) const {
    return index_[i] < 0 ? nullptr : parameters_.weight(index_[i]).data();
  }
  float* clear(const ShardRun& run, size_t i) const {
    if (!trainable_[i]) return nullptr;
    float* gradient = run.step.partials->gradient(run.shard, index_[i]);
    std::fill_n(gradient, parameters_.weight(index_[i]).size(), 0.0f);
    return gradient;
  }

  Parameters& parameters_;
  int index_[2] = {-1, -1};
  bool trainable_[2] = {false, false};
};

}  // namespace frugal

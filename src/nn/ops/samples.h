// The samples of a shard, for ops that take them one by one, and gradients that are added to.
#pragma once

#include "nn/kernels/rows.h"
#include "nn/op.h"

namespace frugal {

/// Sample i of a shard in a buffer that holds `size` numbers of each; null where there is no buffer.
template <class T>
T* sample(const ShardRun& run, BufferId id, int64_t i, int64_t size) {
  return id < 0 ? nullptr : run.at<T>(id) + i * size;
}
template <class T>
T* data_of(const ShardRun& run, const ValueBuffers& value, int64_t i) {
  return sample<T>(run, value.data, i, value.shape.elements());
}
template <class T>
T* gradient_of(const ShardRun& run, const ValueBuffers& value, int64_t i) {
  return sample<T>(run, value.gradient, i, value.shape.elements());
}

/// Adds `term`, a gradient of the whole shard, to that of `value`: for primitives that can only overwrite.
inline void add_to_gradient(const ShardRun& run, const ValueBuffers& value, BufferId term, bool bf16) {
  const int64_t size = value.shape.elements();
  with_type(bf16, [&](auto type) {
    using T = decltype(type);
    add_rows(run.count, size, run.at<T>(term), size, run.at<T>(value.gradient), size);
  });
}

}  // namespace frugal

// The samples of a shard, for ops that take them one by one.
#pragma once

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

}  // namespace frugal

// Where buffers lie, from when their contents are needed: buffers whose times do not overlap share memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nn/op.h"

namespace frugal {

/// A call's place in the program: calls are numbered through all segments.
struct Moment {
  int call = 0, segment = 0;
};

/// From the first to the last moment at which a buffer is used; nothing before the first touch().
struct Lifetime {
  Moment first, last;
  bool used = false;
  void touch(Moment moment) {
    if (!used || moment.call < first.call) first = moment;
    if (!used || moment.call > last.call) last = moment;
    used = true;
  }
};

struct ArenaSizes {
  int64_t worker_bytes = 0;        // of each worker, for the program's shard
  int64_t batch_sample_bytes = 0;  // of the batch's arena, for each sample
};

/// Sets scope and offset of every buffer. What lives across segments lies in the batch's arena, and shares it
/// only with what lives in other segments, since shards pass through a segment at their own pace. Largest
/// first, each at the lowest offset that is free during its life; worker buffers are as large as `shard`
/// samples. Batch offsets do not depend on `shard`.
ArenaSizes place_buffers(std::span<BufferPlan> buffers, std::span<const Lifetime> lifetimes, int64_t shard);

}  // namespace frugal

#include "nn/lifetimes.h"

#include <algorithm>
#include <numeric>

namespace frugal {
namespace {

/// A cache line, and what AVX-512 loads best.
int64_t aligned(int64_t bytes) { return (bytes + 63) / 64 * 64; }

struct Request {
  size_t buffer;
  int64_t bytes;
  int first, last;  // inclusive
};

/// Offsets by "largest first, lowest gap"; returns the size of the whole.
int64_t place(std::vector<Request> requests, std::span<BufferPlan> buffers) {
  std::ranges::stable_sort(requests, std::ranges::greater{}, &Request::bytes);
  std::vector<Request> placed;  // by offset
  int64_t size = 0;
  for (const Request& request : requests) {
    int64_t offset = 0;
    for (const Request& other : placed) {
      if (other.last < request.first || request.last < other.first) continue;
      const int64_t begin = buffers[other.buffer].offset;
      if (offset + request.bytes <= begin) break;
      offset = std::max(offset, begin + other.bytes);
    }
    buffers[request.buffer].offset = offset;
    size = std::max(size, offset + request.bytes);
    const auto behind = std::ranges::upper_bound(
        placed, offset, {}, [&](const Request& other) { return buffers[other.buffer].offset; });
    placed.insert(behind, request);
  }
  return size;
}

}  // namespace

ArenaSizes place_buffers(std::span<BufferPlan> buffers, std::span<const Lifetime> lifetimes, int64_t shard) {
  std::vector<Request> worker, batch;
  for (size_t i = 0; i < buffers.size(); ++i) {
    const Lifetime& life = lifetimes[i];
    if (!life.used) continue;
    BufferPlan& plan = buffers[i];
    plan.scope = life.first.segment == life.last.segment ? Scope::worker : Scope::batch;
    if (plan.scope == Scope::worker) {
      worker.push_back(
          {i, aligned(plan.sample_bytes * shard + plan.fixed_bytes), life.first.call, life.last.call});
    } else {
      batch.push_back({i, aligned(plan.sample_bytes), life.first.segment, life.last.segment});
    }
  }
  return {place(std::move(worker), buffers), place(std::move(batch), buffers)};
}

}  // namespace frugal

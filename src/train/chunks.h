// One pass over flat blocks in chunks of a fixed size, on the engine's threads. How the block is cut depends
// on its size alone, so sums that are kept by chunk and added in order have the same bits at any number of
// threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "nn/engine.h"

namespace frugal {

inline constexpr int64_t chunk_floats = 16384;  // 64 KiB a block: five blocks still fit a core's L2

inline int64_t chunk_count(int64_t size) { return (size + chunk_floats - 1) / chunk_floats; }

/// Runs work(chunk, first, last) for every chunk [first, last) of [0, size), in no particular order.
template <class Work>
void for_each_chunk(Engine& engine, int64_t size, Work&& work) {
  const auto task = [&work, size](int64_t chunk) {
    const int64_t first = chunk * chunk_floats;
    work(chunk, first, std::min(first + chunk_floats, size));
  };
  engine.parallel_for(chunk_count(size), task);
}

/// The sum of term(i), in double, for i in [first, last): eight sums in turn, a fixed order that vectors can
/// follow.
template <class Term>
double sum_in_lanes(int64_t first, int64_t last, Term&& term) {
  constexpr int64_t lanes = 8;
  double sums[lanes] = {};
  int64_t i = first;
  for (; i + lanes <= last; i += lanes) {
    for (int64_t lane = 0; lane < lanes; ++lane) sums[lane] += term(i + lane);
  }
  for (; i < last; ++i) sums[0] += term(i);
  double sum = 0;
  for (const double one : sums) sum += one;
  return sum;
}

inline double sum_of_squares(const float* values, int64_t count) {
  return sum_in_lanes(0, count, [&](int64_t i) { return static_cast<double>(values[i]) * values[i]; });
}

}  // namespace frugal

// Measured time of every fused operation of a training step, beside what the machine's peaks allow.
#pragma once

#include <vector>

#include "nn/engine.h"

namespace frugal {

/// Nodes that run as one, and seconds of one step on one thread. A bound is the larger of operations over
/// peak operations a second, and bytes that must be read and written over peak bytes a second.
struct ProfileRow {
  std::vector<int> nodes;
  NodeTime seconds, bound;
};

/// Runs steps of `options.batch` random images on one thread: two to warm up, then `steps`, of which the mean
/// is reported.
std::vector<ProfileRow> profile_training(const Graph& graph, EngineOptions options, int steps);

}  // namespace frugal

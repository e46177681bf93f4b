// A network in two: what of it is frozen and always gives the same, and what follows. For those who keep what
// the first part yields.
#pragma once

#include <optional>

#include "graph/graph.h"

namespace frugal {

/// A network cut at a value: what leads to it, and what follows from it. Both have all of the network's
/// parameters, and give the same bits.
struct CutGraph {
  Graph below, above;
  int node = 0;  // whose value it is, in the network
};

/// Cuts as far up as everything below is frozen and gives the same in training as in evaluation: no dropout,
/// no batch-norm by the batch's statistics. None where that is nothing but the input.
std::optional<CutGraph> cut_frozen(const Graph& graph);

}  // namespace frugal

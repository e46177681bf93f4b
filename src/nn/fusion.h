// Groups the nodes of a graph into what is run as one op.
#pragma once

#include <vector>

#include "graph/graph.h"
#include "nn/ops/ops.h"

namespace frugal {

enum class GroupKind { conv, linear, chain, max_pool, flatten, alias };

/// Nodes that become one op. Values are numbered 0 (the input) and then by group: group g yields value g + 1.
struct Group {
  GroupKind kind;
  int node;  // the first; its attributes are the op's
  Shape in, out;
  ChainNodes chain;           // GroupKind::chain
  bool learns = false;        // has parameters
  bool input_learns = false;  // something before it has parameters: its input needs a gradient
  bool norm_follows = false;  // the next op takes the mean away
};

/// Throws when a value is used twice or not at all: this planner knows chains of ops only.
std::vector<Group> fuse(const Graph& graph);

}  // namespace frugal

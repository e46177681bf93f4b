// Groups the nodes of a graph into what is run as one op, and finds what each op needs of the others.
#pragma once

#include <vector>

#include "graph/graph.h"
#include "nn/ops/ops.h"

namespace frugal {

enum class GroupKind {
  node,   // one node, an op of its own
  chain,  // norm, shortcut, activation, dropout, pool: ChainNodes
  alias,  // the same numbers under another shape: no op
};

/// Nodes that become one op. A value is called by the node that yields it; what lies within a group never
/// reaches memory.
struct Group {
  GroupKind kind = GroupKind::node;
  int node = 0;                 // the first; its attributes are the op's
  int last = 0;                 // the node whose value the group yields
  std::vector<int> inputs;      // values, in the op's order
  ChainNodes chain;             // GroupKind::chain
  std::vector<int> parameters;  // those whose gradient the op yields
  bool learns = false;          // it or something before it has trainable parameters
  bool norm_follows =
      false;  // convolution or linear layer whose only user takes the mean away: its bias has no gradient
};

/// In an order in which they can be run. Every node but the input is in exactly one group.
std::vector<Group> fuse(const Graph& graph);

}  // namespace frugal

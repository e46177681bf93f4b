// What the backward pass of an operation reads besides its output's gradient, for the planner to know how
// long values must be kept.
#pragma once

#include "graph/graph.h"

namespace frugal {

struct BackwardNeeds {
  bool input = false;     // the data of its inputs
  bool output = false;    // the data of its output
  bool in_place = false;  // it may write an input's gradient over that input's data
};

/// Of operations that are not part of a chain (see ChainNeeds).
BackwardNeeds backward_needs(const Node& node);

}  // namespace frugal

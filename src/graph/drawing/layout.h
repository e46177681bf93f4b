// Where the parts of a network stand in its drawing: operations that belong together share a box, boxes stand
// in rows by their distance from the input, branches side by side in columns.
#pragma once

#include <vector>

#include "graph/graph.h"

namespace frugal {

/// Operations drawn as one: norm and activation that lead up to a convolution, pool or the like, it, and what
/// follows it alone.
struct DrawnBox {
  std::vector<int> nodes;   // in order
  std::vector<int> inputs;  // boxes that it reads, each once
  int row = 0, column = 0;  // column 0 is the main path, others lie right and left of it
};

/// How a line gets from one box to another.
enum class Route {
  straight,     // within the gap between two rows, or down the source's free column and then over
  over_first,   // over to the target's column, which is free, then down
  around_left,  // in a lane left of all boxes between
};
struct DrawnEdge {
  int from = 0, to = 0;
  Route route = Route::straight;
  int lane = 0;  // around_left: 0 is the nearest
};

struct DrawnGraph {
  std::vector<DrawnBox> boxes;  // in the nodes' order; boxes[0] is the input
  std::vector<DrawnEdge> edges;
  int rows = 0;
};

/// A usage error for networks of more boxes or lines than a drawing can show.
DrawnGraph lay_out_drawing(const Graph& graph);

}  // namespace frugal

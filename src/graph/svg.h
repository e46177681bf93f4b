// A drawing of a network, for people: rows from top to bottom, branches side by side, shortcuts as curves.
#pragma once

#include <string>

#include "graph/graph.h"

namespace frugal {

/// A whole SVG file: every part's name, operations, output shape (channels x height x width) and parameters;
/// light or dark as the reader prefers. A usage error for networks of thousands of parts.
std::string graph_svg(const Graph& graph);

}  // namespace frugal

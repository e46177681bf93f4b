// `frugal model --profile`: the time of every operation of a training step beside its own roofline.
#pragma once

#include "graph/graph.h"
#include "nn/engine.h"

namespace frugal {

/// Measures on one thread and prints a table, or one JSON object.
void print_profile(const Graph& graph, const EngineOptions& options, bool json);

}  // namespace frugal

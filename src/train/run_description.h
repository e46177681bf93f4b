// How a run describes itself in its directory: its configuration, and what every weights file says.
#pragma once

#include "data/dataset.h"
#include "graph/graph.h"
#include "train/checkpoint.h"
#include "train/config.h"

namespace frugal {

/// As config.toml holds it: a model file comes along under a name of its own, which is referred to.
TrainConfig written_config(TrainConfig config, const Graph& graph);

/// Without what changes from one checkpoint to the next.
CheckpointInfo checkpoint_info(const Graph& graph, const TrainConfig& config, const Dataset& data,
                               const Normalization& normalization);

}  // namespace frugal

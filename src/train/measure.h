// How fast this machine trains a network, by real steps, and what a run of so many minutes comes to.
#pragma once

#include <cstdint>

#include "data/dataset.h"
#include "graph/graph.h"
#include "nn/engine.h"
#include "train/config.h"
#include "train/outside.h"

namespace frugal {

struct Speed {
  double step = 0;        // seconds that a step takes, on average
  double evaluation = 0;  // seconds that an image's evaluation takes
};

/// Trains with the run's own batches (augmentation included) for `seconds`, after some steps that make what
/// is made once, and evaluates training images for a tenth of that. The engine's weights are initialised, and
/// spoiled.
Speed measure_speed(Engine& engine, const Graph& graph, const TrainConfig& config, const Dataset& data,
                    double seconds, const OutsideInputs& outside = {});

/// Epochs that a run under a clock completes, as train/clock_pace.h divides its time: `limit` seconds, of
/// which `used` are over when the first step begins. Not below 0.
double predict_epochs(const Speed& speed, const TrainConfig& config, const Dataset& data, double limit,
                      double used);

}  // namespace frugal

// A training run as `train` and `resume` do it.
#pragma once

#include <string>

#include "base/error.h"
#include "train/config.h"
#include "train/trainer.h"

namespace frugal {

struct TrainingOptions {
  TrainConfig config;
  RunControl control;
  std::string out;         // the run directory; where a run goes on it is there, else it must not be
  std::string max_params;  // as given, or empty
  bool json = false, quiet = false;
};

/// Loads the data, makes the network, trains, tells what happens and how it ended. Limits that refuse are
/// Errors of ExitCode::limit.
ExitCode run_training(TrainingOptions options);

}  // namespace frugal

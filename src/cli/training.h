// A training run as `train` and `resume` do it: told on the way, ended by Ctrl-C.
#pragma once

#include "base/error.h"
#include "run/training_run.h"

namespace frugal {

struct Telling {
  bool json = false, quiet = false;
};

/// Limits that refuse are Errors of ExitCode::limit.
ExitCode run_training(RunRequest request, const Telling& telling);

}  // namespace frugal

// A training run from its configuration to its result, as the commands and the library do it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "graph/graph.h"
#include "nn/engine.h"
#include "run/from_file.h"
#include "run/run_directory.h"
#include "run/train_flags.h"
#include "train/config.h"
#include "train/trainer.h"

namespace frugal {

struct RunRequest {
  TrainConfig config;
  RunControl control;      // `started`: from when its limit of time counts
  std::string out;         // the run directory; where a run goes on it is there, else it must not be
  std::string max_params;  // as given, or empty
  LoadOptions how;         // to read the data
  std::filesystem::path tensorboard =
      {};                            // where event files go, in a directory of the run's name; empty: nowhere
  std::optional<Dataset> data = {};  // in place of those that the configuration names
};

/// What goes on with the run in `directory`; `given` may hold --threads. A directory without a run is an
/// Error.
RunRequest request_to_resume(const std::filesystem::path& directory, const GivenFlags& given);

/// Everything that a run needs before its first step.
struct TrainingRun {
  TrainConfig config;  // as resolved
  RunControl control;
  MachineInfo machine;
  Dataset data;
  Graph graph;
  std::unique_ptr<Engine> engine;
  int64_t train_images = 0, val_images = 0;
  std::shared_ptr<const InitialWeights> from;  // null: initialised
  std::vector<std::string> warnings;           // slow paths taken
  RunDirectory directory;
  std::filesystem::path tensorboard = {};  // as asked

  const std::filesystem::path& out() const { return directory.path(); }
};

/// Reads the data, makes the network, refuses what does not fit (limits with ExitCode::limit), and only then
/// makes the run directory.
TrainingRun prepare_run(RunRequest request);

/// Trains into the run directory, with curves.svg up to date after every epoch.
TrainResult carry_out(TrainingRun& run, TrainObserver& observer);

/// That a run ended later than its limit allows, and by how much; empty where it did not. It ends now.
std::string overrun_text(const TrainResult& result, double started);

/// What a run of `config` would train on: read as it says, then selected from; `how` says the rest. A
/// precision that this machine lacks is refused before anything is read.
Dataset load_training_data(const TrainConfig& config, LoadOptions how);

}  // namespace frugal

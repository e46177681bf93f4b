// How a run tells of itself: as text for people or as lines of JSON for programs.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/initial_weights.h"
#include "data/dataset.h"
#include "graph/graph.h"
#include "nn/engine.h"
#include "train/config.h"
#include "train/trainer.h"

namespace frugal {

/// What is known before the first step. The references outlive the run.
struct RunStart {
  const TrainConfig& config;  // as resolved
  const MachineInfo& machine;
  const Dataset& data;
  const Graph& graph;
  int64_t train_images = 0, val_images = 0;
  int threads = 1;  // as resolved
  std::filesystem::path out;
  std::vector<std::string> warnings;     // slow paths taken
  const InitialWeights* from = nullptr;  // null: initialised
};

class Reporter : public TrainObserver {
 public:
  virtual void start(const RunStart& run) = 0;
  virtual void finish(const RunStart& run, const TrainResult& result) = 0;
};

/// Lines as the notebook printed them, and a progress bar within the epoch where stdout is a terminal.
/// `quiet` keeps warnings and the result only.
std::unique_ptr<Reporter> make_text_reporter(bool quiet);

/// An object a line: events start, epoch (as in log.jsonl), message and result (as in result.json, with the
/// run's directory). What depends on the clock is inside "timing". `quiet` keeps messages and the result
/// only.
std::unique_ptr<Reporter> make_json_reporter(bool quiet);

}  // namespace frugal

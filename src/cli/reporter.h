// How a run tells of itself: as text for people or as lines of JSON for programs.
#pragma once

#include <memory>

#include "run/training_run.h"
#include "train/trainer.h"

namespace frugal {

class Reporter : public TrainObserver {
 public:
  virtual void start(const TrainingRun& run) = 0;
  virtual void finish(const TrainingRun& run, const TrainResult& result) = 0;
};

/// Lines as the notebook printed them, and a progress bar within the epoch where stdout is a terminal.
/// `quiet` keeps warnings and the result only.
std::unique_ptr<Reporter> make_text_reporter(bool quiet);

/// An object a line: events start, epoch (as in log.jsonl), message and result (as in result.json, with the
/// run's directory). What depends on the clock is inside "timing". `quiet` keeps messages and the result
/// only.
std::unique_ptr<Reporter> make_json_reporter(bool quiet);

}  // namespace frugal

// Tells TensorBoard of a run: figures and weights by epoch, samples of what it trains on. Passes everything
// on.
#pragma once

#include <filesystem>

#include "data/dataset.h"
#include "eval/event_file.h"
#include "nn/engine.h"
#include "run/observer_chain.h"
#include "train/config.h"

namespace frugal {

/// Steps are epochs. A file that cannot be written is told of once, and the run goes on.
class TensorboardWriter : public ObserverLink {
 public:
  /// Writes into `directory`. All outlive it. A directory that cannot be written to is an Error.
  TensorboardWriter(const std::filesystem::path& directory, Engine& engine, TrainObserver& next);

  /// What the network will see of the first images, as an image.
  void show_samples(const Dataset& data, const TrainConfig& config);
  void on_epoch(const EpochRecord& record, int64_t epochs, double seconds_left) override;
  void finish(const TrainResult& result);

 private:
  template <class Write>
  void attempt(const Write& write);
  void scalar(const std::string& tag, int64_t epoch, double value);

  EventFile file_;
  Engine& engine_;
  bool failed_ = false;
};

}  // namespace frugal

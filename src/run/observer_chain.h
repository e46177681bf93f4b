// An observer of training that does something of its own and passes everything on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/trainer.h"

namespace frugal {

class ObserverLink : public TrainObserver {
 public:
  /// `next` outlives it.
  explicit ObserverLink(TrainObserver& next) : next_(next) {}

  void on_start(const TrainConfig& resolved, const Graph& graph, const Engine& engine, int64_t train_images,
                int64_t val_images) override {
    next_.on_start(resolved, graph, engine, train_images, val_images);
  }
  void on_resume(const std::vector<EpochRecord>& history, const std::string& where) override {
    next_.on_resume(history, where);
  }
  void on_step(int64_t epoch, int64_t step, int64_t steps, double loss) override {
    next_.on_step(epoch, step, steps, loss);
  }
  void on_epoch(const EpochRecord& record, int64_t epochs, double seconds_left) override {
    next_.on_epoch(record, epochs, seconds_left);
  }
  void on_message(const std::string& text) override { next_.on_message(text); }
  void on_note(const std::string& text) override { next_.on_note(text); }

 private:
  TrainObserver& next_;
};

}  // namespace frugal

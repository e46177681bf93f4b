// Keeps a run's curves.svg up to date after every epoch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "run/observer_chain.h"

namespace frugal {

class CurveKeeper : public ObserverLink {
 public:
  /// Draws into the directory `out`.
  CurveKeeper(std::filesystem::path out, std::string title, TrainObserver& next);

  void on_resume(const std::vector<EpochRecord>& history, const std::string& where) override;
  void on_epoch(const EpochRecord& record, int64_t epochs, double seconds_left) override;

  /// The last drawing says how it ended.
  void finish(const TrainResult& result);

 private:
  void draw(const std::string& subtitle, int64_t best_epoch);

  std::filesystem::path out_;
  std::string title_;
  std::vector<EpochRecord> history_;
  bool warned_ = false;
};

}  // namespace frugal

// What a run writes into its directory while it goes, and in which order it reaches the disk: whatever a
// checkpoint speaks of is there before it.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "train/checkpoint_keeper.h"
#include "train/limits.h"
#include "train/log_file.h"
#include "train/metrics.h"
#include "train/progress_file.h"

namespace frugal {

class RunFiles {
 public:
  using Warn = std::function<void(const std::string&)>;

  /// Locks `out`. `used` gives the seconds that this process has spent on the run. `checkpoints` writes to
  /// the same directory and must outlive this.
  RunFiles(const std::filesystem::path& out, bool go_on, std::function<double()> used,
           CheckpointKeeper& checkpoints, CheckpointRhythm rhythm, Warn warn);

  double seconds_used() const { return progress_.seconds_used(); }
  /// By the processes that had the run before.
  double seconds_used_before() const { return progress_.log().seconds_used; }

  /// Where the run begins: the log is cut back to what is known there, and what is recorded of later steps is
  /// void. Returns the epochs that lie behind.
  std::vector<EpochRecord> begin_at(const Position& position);

  /// Records a decision of the clock.
  void note(ProgressRecord::Kind kind, int64_t steps, double value) { progress_.append(kind, steps, value); }
  /// Appends a line to the log; `lines` counts it even where it has to wait for space on the disk.
  void log(const std::string& line, int64_t& lines);
  /// Whether a checkpoint within an epoch is due after `steps` steps.
  bool checkpoint_due(int64_t steps) const;
  /// Log, progress, best weights, `last`: failures are warnings, and it will be tried again.
  void save(const Position& position);
  /// The same where a failure is an Error, unless it has been done.
  void finish(const Position& position);

 private:
  void write(const Position& position);

  std::filesystem::path out_;
  ProgressFile progress_;
  std::optional<LogFile> log_;
  CheckpointKeeper& checkpoints_;
  CheckpointRhythm rhythm_;
  Warn warn_;
  double saved_at_ = 0;  // seconds used at the last checkpoint
};

}  // namespace frugal

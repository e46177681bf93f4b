// Which checkpoints a run keeps: `last` with everything that going on needs, the one before it, and the best
// weights.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "graph/graph.h"
#include "nn/parameters.h"
#include "train/checkpoint.h"
#include "train/ema.h"
#include "train/position.h"

namespace frugal {

class CheckpointKeeper {
 public:
  using Warn = std::function<void(const std::string&)>;

  /// `info` describes the run; `graph`, `parameters` and `average` (null: there is none) must outlive the
  /// keeper.
  CheckpointKeeper(std::filesystem::path directory, CheckpointInfo info, const Graph& graph,
                   Parameters& parameters, Ema* average, Warn warn);

  /// Is shown a file's description before anything is read from it. What it refuses it throws, as a usage
  /// error: an Error of ExitCode::failed would say that the file is damaged.
  using Accept = std::function<void(const CheckpointInfo&, const std::string& file)>;
  /// The run's last whole checkpoint, into the parameters, optimizer states and all: where it was, or nothing
  /// where none has been written. A damaged `last` gives way to the one before, with a warning. Best weights
  /// that lie in the future of that position are dropped.
  std::optional<Position> load(const Accept& accept);

  /// Takes the present weights as the best ones, to be written by the next save; `extra` must say "step".
  void set_best(std::map<std::string, std::string> extra);
  /// Writes the best weights where they have changed, then the present ones and the optimizer's states as
  /// `last`. A failure is an Error; what it left undone is done by the next write.
  void write(const Position& position);
  /// Keeps what `last` would hold as the state at an epoch's boundary, to be gone back to. A failure is a
  /// warning, and the boundary before stays.
  void keep_boundary(const Position& position);
  Position load_boundary();
  /// The best weights into the parameters; false where there are none.
  bool restore_best();

  /// Whether the save of this position is on disk.
  bool has_saved(const Position& position) const;
  /// "runs/a/last.safetensors (after epoch 3)", or empty where nothing has been saved yet.
  std::string last_good() const;

 private:
  std::filesystem::path file(const char* name) const { return directory_ / name; }
  void load_best(Position& position);
  void write_best();
  void write_last(const Position& position);
  void write_state(const std::filesystem::path& path, const Position& position);

  std::filesystem::path directory_;
  CheckpointInfo info_;
  Parameters& parameters_;
  Ema* average_;
  Warn warn_;
  Parameters best_;  // in memory too, because its file may have to wait for space on the disk
  std::map<std::string, std::string> best_extra_;
  bool has_best_ = false, best_pending_ = false;
  std::optional<Position> saved_;  // where the run was at the last save that succeeded
};

}  // namespace frugal

// Where a run is: what going on from `last` needs beside weights and states. The order of an epoch follows
// from seed and epoch, so the position within it is a number of steps.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "nn/engine.h"
#include "train/metrics.h"

namespace frugal {

/// Sums over the steps of an epoch so far; kept, so that a resumed epoch ends with the same figures.
struct EpochSums {
  int64_t steps = 0;
  LossSums loss;
  double batch_means = 0, penalties = 0;
  double lr = 0;                          // of the last step
  double seconds = 0, train_seconds = 0;  // depend on the clock
};

struct Position {
  int64_t epoch = 0;  // epochs that are complete
  int64_t steps = 0;  // of the whole run
  EpochSums sums;     // of the epoch under way
  int64_t optimizer_steps = 0;
  /// For runs that change their graph: the optimizer's steps before the first graph, the second, ...
  std::vector<int64_t> changed_at = {};
  int64_t images = 0;            // trained on, those of the epoch under way not counted
  int64_t log_lines = 0;         // in log.jsonl
  int64_t validated_at = -1;     // steps when weights were last validated
  bool trained = false;          // no step is to come
  bool out_of_patience = false;  // that is why

  int64_t best_epoch = 0, best_step = 0;  // 0: none yet
  Metrics best_val = no_metrics();
  bool best_is_ema = false;
  int64_t stale = 0;  // validations since the best

  double lr_factor = 1;  // lowered by every rollback
  int64_t rollbacks = 0;

  double first_step = -1;    // seconds used when the first step began; -1: it did not
  double train_seconds = 0;  // spent in steps, those of the epoch under way not counted
};

/// As a checkpoint's description holds it, and back. What is missing or no number is an Error that names
/// `file`.
std::map<std::string, std::string> to_extra(const Position& position);
Position to_position(const std::map<std::string, std::string>& extra, const std::string& file);

/// "after epoch 3 and 17 steps", for messages.
std::string describe(const Position& position);

}  // namespace frugal

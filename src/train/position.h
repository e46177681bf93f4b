// Where a run is: what going on from `last` needs beside weights and states. The order of an epoch follows
// from seed and epoch, so the position within it is a number of steps.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "nn/engine.h"

namespace frugal {

/// Sums over the steps of an epoch so far; kept, so that a resumed epoch ends with the same figures.
struct EpochSums {
  int64_t steps = 0;
  LossSums loss;
  double batch_means = 0, penalties = 0;
  double lr = 0;             // of the last step
  double train_seconds = 0;  // depends on the clock, and is not kept
};

struct Position {
  int64_t epoch = 0;  // epochs that are complete
  EpochSums sums;     // of the epoch under way
  int64_t optimizer_steps = 0;
  int64_t best_epoch = 0;
  double best_top1 = 0;
};

/// As a checkpoint's description holds it.
std::map<std::string, std::string> to_extra(const Position& position);

/// "after epoch 3 and 17 steps", for messages; two positions of a run never share it.
std::string describe(const Position& position);

}  // namespace frugal

// What is measured of a network on samples, and what is noted of an epoch.
#pragma once

#include <cstdint>
#include <string>

#include "nn/engine.h"

namespace frugal {

/// Means over samples; NaN where nothing was measured.
struct Metrics {
  double loss = 0, top1 = 0, top3 = 0, top5 = 0;  // accuracies in [0, 1]
  int64_t samples = 0;
  double loss_batch_mean = 0;  // the notebook's: mean of batch means, so that a small last batch weighs more
};

/// Means from sums; NaN where there are no samples.
Metrics to_metrics(const LossSums& sums, double loss_batch_mean);
/// Nothing was measured.
Metrics no_metrics();

/// A line of log.jsonl.
struct EpochRecord {
  int64_t epoch = 0;  // from 1
  int64_t steps =
      0;  // of the run so far; fewer than epochs have where a clock ended training within this one
  Metrics train, val;  // `val` of no samples where this epoch was not validated
  Metrics ema;         // of the average of weights on the same images, where one is kept
  double penalty = 0;  // mean over steps of the penalties on parameters; not part of `train.loss`
  double lr = 0;       // of the epoch's last step
  double seconds = 0, train_seconds = 0;  // the only fields that depend on the clock
};

}  // namespace frugal

// What a run has measured, as JSON: the lines of log.jsonl and the contents of result.json. Whatever depends
// on the clock or on the number of threads stands inside an object `timing`, so that the rest can be compared
// bit by bit.
#pragma once

#include <string>

#include "train/trainer.h"

namespace frugal {

/// Means from sums; NaN where there are no samples.
Metrics to_metrics(const LossSums& sums, double loss_batch_mean);

/// One line without its end.
std::string log_line(const EpochRecord& record);

/// How the figures came about.
struct RunFacts {
  int64_t params = 0, trainable_params = 0;
  std::string precision, isa, version;
  int threads = 0;
};
std::string result_text(const TrainResult& result, const RunFacts& facts);

}  // namespace frugal

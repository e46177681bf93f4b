// What a run has measured, as JSON: the lines of log.jsonl and the contents of result.json. Whatever depends
// on the clock or on the number of threads stands inside an object `timing`, so that the rest can be compared
// bit by bit.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "train/position.h"
#include "train/trainer.h"

namespace frugal {

/// One line without its end.
std::string log_line(const EpochRecord& record);

/// The line that says that the run went back to `position` and why.
std::string rollback_line(const Position& position, const std::string& why);

/// The records of a log's text, as log_line wrote them; an Error that names `file` and the line.
std::vector<EpochRecord> read_log(const std::string& text, const std::string& file);

/// result.json of a run's directory, where the run has come to its end; empty where it has not.
std::string finished_result(const std::filesystem::path& run);

/// The weights that a run's directory stands for: the best, else the last; empty where there are none.
std::filesystem::path run_weights(const std::filesystem::path& run);

/// How the figures came about.
struct RunFacts {
  int64_t params = 0, trainable_params = 0;
  std::string precision, isa, processor, version;
  int threads = 0;
};
std::string result_text(const TrainResult& result, const RunFacts& facts);

}  // namespace frugal

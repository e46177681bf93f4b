// What a study knows of its runs: a file with a line a finished run. It alone makes the study's table, also
// where the runs' directories are gone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "study/plan_runs.h"

namespace frugal {

struct RunRecord {
  std::string run;  // PlannedRun::name
  std::string variant;
  int64_t seed = 0, part = 1;
  std::string command;            // that repeats it
  bool shared = false;            // with other runs beside it: its times are not comparable
  nlohmann::ordered_json result;  // result.json
};

/// result["val"]["top1"] and the like; NaN where nothing was measured.
double result_number(const nlohmann::ordered_json& result, const char* part, const char* name);

class Results {
 public:
  /// Reads the file, if it is there; a line that is no record is an Error that names it.
  explicit Results(std::filesystem::path path);
  /// Null where the run has not finished.
  const RunRecord* find(const std::string& run) const;
  /// On disk when it returns, beside what other studies have added to the same file; what they have of the
  /// same run stays.
  void add(RunRecord record);
  /// Reads again what is in the file, and makes it where it is not there.
  void refresh();
  const std::vector<RunRecord>& all() const { return records_; }

 private:
  std::vector<RunRecord> read() const;
  void write(const std::vector<RunRecord>& more);
  std::filesystem::path path_;
  std::vector<RunRecord> records_;
};

}  // namespace frugal

// Does the runs of a study, one after the other or several beside each other, each in a process of its own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "study/plan_runs.h"
#include "study/results.h"
#include "study/study_file.h"

namespace frugal {

struct StudyOptions {
  std::filesystem::path out = {};
  std::string program = {};  // where frugal is to be executed from
  int jobs = 1;              // runs beside each other
  int threads = 0;           // of all of them together; 0: as many as the machine allows
  double max_seconds = 0;    // for what is to be done now, divided fairly among its runs; 0: no limit
};

struct StudyObserver {
  virtual ~StudyObserver() = default;
  /// Run number `number` (from 1) of `count` of those that are to be done now begins, or goes on.
  virtual void on_begin(const PlannedRun& /*run*/, int64_t /*number*/, int64_t /*count*/, bool /*goes_on*/) {}
  virtual void on_end(const RunRecord& /*record*/) {}
  /// It failed with what it said last; the others are done.
  virtual void on_failure(const PlannedRun& /*run*/, const std::string& /*message*/) {}
  /// What was there of it is of another build of the program or of other data; it lies in `directory` now,
  /// and the run begins anew.
  virtual void on_put_aside(const PlannedRun& /*run*/, const std::filesystem::path& /*directory*/) {}
  virtual void on_given_up(const std::vector<std::string>& /*variants*/, int64_t /*part*/) {}
};

struct StudyOutcome {
  /// By variant: the runs by which it is judged, as make_table takes them.
  std::vector<std::vector<PlannedRun>> runs;
  int64_t failed = 0;
  bool stopped = false;  // by a signal, or because time was over; the runs that were begun can go on
};

/// Does what is not in `results` yet, and adds it there. A run that was stopped goes on. With halving every
/// variant first gets a small part of its work, then the better ones a larger one, and so on; the base is
/// always kept.
StudyOutcome run_study(const Study& study, const StudyOptions& options, Results& results,
                       StudyObserver& observer);

/// The same without doing anything: by which runs each variant is judged as things stand.
std::vector<std::vector<PlannedRun>> judged_runs(const Study& study, const std::filesystem::path& out,
                                                 bool limited, const Results& results);

}  // namespace frugal

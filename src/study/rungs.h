// Successive halving: which variants get which part of their work.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "study/plan_runs.h"
#include "study/results.h"
#include "study/study_file.h"

namespace frugal {

/// Begins where all variants get the smallest part of their work. Without halving: all of them all.
class Rungs {
 public:
  Rungs(const Study& study, std::filesystem::path out, bool limited, const Results& results);

  /// 1 / part() of a variant's work is a run's.
  int64_t part() const { return part_; }
  /// The first seed of all, then the second, so that whole columns of the table are there early.
  std::vector<PlannedRun> now() const;
  /// The work of the rungs after this one, in whole runs, as far as it can be known.
  double later() const;
  /// Whether all that is to be done now has been done.
  bool complete() const;
  /// Whether any of it has.
  bool begun() const;
  /// Whether those that have begun this rung have done all of the one before.
  bool earned() const;
  /// Goes on with the better ones; returns who is given up. Nothing more to do where part() is 1.
  std::vector<std::string> climb();
  /// By variant: the runs by which it is judged.
  std::vector<std::vector<PlannedRun>> judged() const;

 private:
  const std::vector<int64_t>& seeds_of(size_t i) const { return study_.variants[i].seeds; }
  PlannedRun plan(size_t i, int64_t seed, int64_t part) const;
  bool is_recorded(const PlannedRun& run) const { return results_.find(run.name) != nullptr; }
  double val_of(size_t i) const;

  const Study& study_;
  const std::filesystem::path out_;
  const bool limited_;
  const Results& results_;
  std::vector<size_t> survivors_;
  std::vector<int64_t> last_part_;
  int64_t part_ = 1;
};

}  // namespace frugal

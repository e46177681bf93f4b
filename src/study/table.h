// The table of a study: what its runs came to, variant by variant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "study/results.h"
#include "study/student.h"
#include "study/study_file.h"

namespace frugal {

/// Accuracies of the runs of a variant, from 0 to 1.
struct StudyScore {
  double mean = 0, deviation = 0;  // NaN where there is none; the deviation needs two runs
  std::optional<Interval> gain;    // over the base, paired by seed
};

struct StudyRow {
  std::string variant;
  int64_t runs = 0;  // that have finished
  int64_t part = 1;  // where the variant was given up: after this part of its work
  int64_t parameters = 0;
  double epochs = 0, seconds = 0;  // means
  StudyScore val, test;
  bool partial_test = false;          // in one of the runs time ran out in the test
  std::vector<std::string> finished;  // their RunRecord::run
};

struct StudyTable {
  std::string title, base;
  std::vector<StudyRow> rows;  // in the order of the file
  std::string chosen;   // the best by validation; empty before all have finished, and without validation
  int64_t missing = 0;  // runs that have not finished
  bool shared = false;  // some runs had others beside them
  double least_limit = 0, most_limit = 0;  // seconds that the study's own limit gave runs; 0: it had none
};

/// `runs` are those by which each variant of the study is judged, in its order: all seeds of the largest part
/// of its work that is to be done.
StudyTable make_table(const Study& study, const std::vector<std::vector<PlannedRun>>& runs,
                      const Results& results);

enum class TableFormat { text, markdown, csv, html };

/// With the test's columns once every run has finished, and not before: nobody chooses by what he has not
/// seen. Text keeps to lines of `width` characters (0: any) as far as it can, leaving columns out.
std::string render(const StudyTable& table, TableFormat format, size_t width = 0);

}  // namespace frugal

// From a study to the runs that it is made of: which directory each has, and what `frugal train` is given.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "study/study_file.h"

namespace frugal {

struct PlannedRun {
  std::string variant;
  int64_t seed = 0;
  int64_t part = 1;  // of the variant's work: 1 / part of its epochs and of its time
  /// Of its directory. It ends in a hash of everything that the run is given, so that a run whose settings
  /// have changed is another one, and what was done with the old ones is not taken for it.
  std::string name;
  std::vector<std::string> flags;  // for `frugal train`, all but --out
  std::vector<std::string> needs;  // names of the runs that it begins with or learns from
};

/// Where the run of that name lies below the study's directory.
std::filesystem::path run_directory(const std::filesystem::path& out, const std::string& name);

/// The run of `variant` with `seed`. `limited`: whoever starts it will add a --max-time of his own, which is
/// not known yet.
PlannedRun plan_run(const Study& study, const Variant& variant, int64_t seed, int64_t part,
                    const std::filesystem::path& out, bool limited);

}  // namespace frugal

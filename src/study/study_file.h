// Study files: many runs described once, as variants of common settings, in TOML.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace frugal {

/// One way of training, to be done once for each of its seeds.
struct Variant {
  std::string name;
  /// Of `frugal train`, by name ("--lr"); "true" and "false" for those without a value. "--from" and
  /// "--teacher" may be "@NAME": the run of that variant, which stands before this one, with the same seed,
  /// or with the first of its seeds where it has not that one.
  std::map<std::string, std::string> flags;
  int line = 0;                // of the file
  std::vector<int64_t> seeds;  // the study's, where it has none of its own
};

struct Study {
  std::filesystem::path file;
  std::string title;                 // "" where it has none
  std::string base;                  // the variant that others are compared with
  std::vector<int64_t> seeds = {1};  // of variants that have none of their own
  bool split_by_seed = false;        // --split-seed is the seed, too
  int64_t halving = 0;               // 2: the worse half goes after a part of the work; 0: nothing goes
  std::vector<Variant> variants;
};

/// Reads a file such as
///
///     title = "Does augmentation pay?"
///     seeds = [1, 2, 3]
///     [settings]                 # every run's: flags of frugal train, - or _ alike
///     data = "cifar100"
///     [[variant]]                # named, over the settings
///     name = "flip"
///     augment = "flip"
///     [[variant]]
///     name = "flip, 60 epochs"
///     like = "flip"              # over that variant's settings, which stands before it
///     epochs = 60
///     [list]                     # each value alone; the settings as they are come first, as "base"
///     lr = [0.05, 0.1]
///     [grid]                     # every combination
///     batch = [32, 128]
///     optimizer = ["sgd", "adam"]
///
/// A text that begins with `$NAME/` has the environment variable put in. Model files, `from` and `teacher`
/// are looked for from where the file lies. Anything else than this is a usage error that names the line;
/// whether the flags are known and their values good is the caller's to check.
Study read_study(const std::filesystem::path& path);

/// The variant of that name; null where there is none.
const Variant* find_variant(const Study& study, const std::string& name);

}  // namespace frugal

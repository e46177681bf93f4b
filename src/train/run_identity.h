// What must be the same for a run to go on to the bits that it would have had: its configuration, its data,
// the program and the instruction set. Not the number of threads.
#pragma once

#include <map>
#include <string>

#include "data/dataset.h"
#include "train/config.h"

namespace frugal {

struct RunIdentity {
  std::string config;   // TOML; threads, which change no bit, are left out
  std::string data;     // the fingerprint
  std::string program;  // version, commit, and XXH3-128 of the executable
  std::string machine;  // oneDNN's version and the instruction set
};

/// Of a run of this very program with `config` (as config.toml holds it) on `data`; `model_file` is the text
/// of the model's file, if it has one.
RunIdentity run_identity(const TrainConfig& config, const std::string& model_file, const Dataset& data);

void add_to(std::map<std::string, std::string>& extra, const RunIdentity& identity);

/// What differs, in words, each on a line of its own; empty where nothing does.
struct Differences {
  std::string run;      // configuration, data: it would be another run
  std::string program;  // program, instruction set: other bits may come out
};

/// `extra` is a checkpoint's description; `file` is named where it does not say.
Differences differences(const std::map<std::string, std::string>& extra, const RunIdentity& now,
                        const std::string& file);

}  // namespace frugal

// What must be the same for a run to go on to the bits that it would have had: its configuration, its data,
// its teacher, the program and the instruction set. Not the number of threads.
#pragma once

#include <string>

#include "data/dataset.h"
#include "train/checkpoint.h"
#include "train/config.h"
#include "train/teacher.h"

namespace frugal {

struct RunIdentity {
  std::string config;   // TOML; threads, which change no bit, are left out
  std::string data;     // the fingerprint
  std::string teacher;  // its fingerprint; empty where there is none
  std::string program;  // version, commit, and XXH3-128 of the executable
  std::string machine;  // oneDNN's version and the instruction set
};

/// Of a run of this very program with `config` (as config.toml holds it) on `data`; `model_file` is the text
/// of the model's file, if it has one; `teacher` may be null.
RunIdentity run_identity(const TrainConfig& config, const std::string& model_file, const Dataset& data,
                         const TeacherModel* teacher);

CheckpointInfo with_identity(CheckpointInfo info, const RunIdentity& identity);

/// The fingerprint of the data that the run was trained on; empty where the file does not say.
std::string trained_data(const CheckpointInfo& info);
/// For weights that are not gone on from, and lack the rest.
void note_trained_data(CheckpointInfo& info, const std::string& fingerprint);

/// Refuses, as a usage error that says what differs, to let run `out` go on from a checkpoint of another
/// configuration, of other data or another teacher; of another program or instruction set unless `force`, and
/// then returns what the user should hear. Returns nothing where nothing differs. `file` is named where it
/// does not say.
std::string require_same_run(const CheckpointInfo& info, const std::string& file, const RunIdentity& now,
                             const std::string& out, bool force);

}  // namespace frugal

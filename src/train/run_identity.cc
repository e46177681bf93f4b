#include "train/run_identity.h"

#include <set>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "nn/engine.h"

namespace frugal {
namespace {

constexpr const char* config_key = "run_config";
constexpr const char* data_key = "run_data";
constexpr const char* teacher_key = "run_teacher";
constexpr const char* program_key = "run_program";
constexpr const char* machine_key = "run_machine";

/// A rebuilt program may round otherwise, whatever its version says.
std::string executable_hash() {
  static const std::string hash = [] {
    try {
      return hash_of(read_file("/proc/self/exe"));
    } catch (const Error&) {
      return std::string("unknown executable");
    }
  }();
  return hash;
}

std::set<std::string> lines_of(const std::string& text) {
  std::set<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.insert(line);
  return lines;
}

/// "  lr = 0.1 became lr = 0.05", by line of the two texts.
std::string changed_settings(const std::string& before, const std::string& now) {
  const std::set<std::string> old_lines = lines_of(before), new_lines = lines_of(now);
  const auto key = [](const std::string& line) { return line.substr(0, line.find(" =")); };
  std::string text;
  for (const std::string& line : old_lines) {
    if (new_lines.count(line) != 0) continue;
    text += "\n  the configuration: " + line;
    for (const std::string& other : new_lines) {
      if (key(other) == key(line)) text += " became " + other;
    }
  }
  for (const std::string& line : new_lines) {
    if (old_lines.count(line) != 0) continue;
    bool known = false;
    for (const std::string& other : old_lines) known = known || key(other) == key(line);
    if (!known) text += "\n  the configuration: " + line + " is new";
  }
  return text;
}

}  // namespace

RunIdentity run_identity(const TrainConfig& config, const std::string& model_file, const Dataset& data,
                         const TeacherModel* teacher) {
  TrainConfig same = config;
  same.threads = 0;
  const MachineInfo machine = machine_info();
  return {to_toml(same) + model_file, data.fingerprint, teacher ? fingerprint(*teacher) : "",
          std::string("frugal ") + FRUGAL_VERSION + ", executable " + executable_hash(),
          machine.instruction_set + ", oneDNN " + machine.onednn};
}

CheckpointInfo with_identity(CheckpointInfo info, const RunIdentity& identity) {
  info.extra[config_key] = identity.config;
  info.extra[data_key] = identity.data;
  if (!identity.teacher.empty()) info.extra[teacher_key] = identity.teacher;
  info.extra[program_key] = identity.program;
  info.extra[machine_key] = identity.machine;
  return info;
}

std::string trained_data(const CheckpointInfo& info) {
  const auto found = info.extra.find(data_key);
  return found == info.extra.end() ? "" : found->second;
}

void note_trained_data(CheckpointInfo& info, const std::string& fingerprint) {
  if (!fingerprint.empty()) info.extra[data_key] = fingerprint;
}

std::string require_same_run(const CheckpointInfo& info, const std::string& file, const RunIdentity& now,
                             const std::string& out, bool force) {
  const auto before = [&](const char* key) {
    const auto found = info.extra.find(key);
    if (found == info.extra.end()) {
      throw Error(file + ": it does not say '" + key + "', without which a run cannot go on from it");
    }
    return found->second;
  };
  const auto compare = [&](const char* what, const char* key, const std::string& current) {
    const std::string old = before(key);
    return old == current ? "" : std::string("\n  ") + what + ": " + old + " became " + current;
  };
  const std::string run =
      changed_settings(before(config_key), now.config) +
      compare("the data (fingerprint)", data_key, now.data) +
      (now.teacher.empty() ? "" : compare("the teacher (fingerprint)", teacher_key, now.teacher));
  if (!run.empty()) {
    throw usage_error(out + " cannot go on, because it would not be the same run:" + run +
                      "\nstart a new run, or restore what has changed");
  }
  const std::string program = compare("the program", program_key, now.program) +
                              compare("the instruction set", machine_key, now.machine);
  if (program.empty()) return "";
  if (!force) {
    throw usage_error(out + " cannot go on to the same bits:" + program +
                      "\nuse the program that began it, or go on regardless with --force");
  }
  return out + " goes on with another program or machine, as asked:" + program;
}

}  // namespace frugal

// Runs the real program in a directory of the test's own, and small data sets for it to run on.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "../temp_dir.h"

namespace frugal {

struct Outcome {
  int code = -1;  // exit code; 128 + number after a signal
  std::string out, err;
};

struct RunOptions {
  std::filesystem::path directory = {};  // where the program runs; empty: here
  /// Called with stdout so far and the process whenever something arrives.
  std::function<void(const std::string& out, int pid)> on_output = {};
  std::vector<std::string> environment = {};  // "NAME=value", added
  unsigned seconds_late = 0;                  // that the process is older than the program in it
  unsigned short columns = 0;                 // of the terminal that stdout is; 0: it is a pipe
  bool no_stdout = false;                     // closed before the program begins
  bool ignores_interrupt = false;             // as what a script starts in the background
  std::string leaves_after = {};              // who reads stdout goes away once these words have arrived
  bool as_nobody = false;                     // root ignores permissions; nobody does not
};

/// `frugal ARGUMENTS...`, killed (and the test failed) after two minutes.
Outcome frugal(const std::vector<std::string>& arguments, const RunOptions& options = {});

/// A CIFAR-100 directory of few images whose colours tell the classes apart.
void write_cifar100(const std::filesystem::path& directory, int train = 256, int test = 100);

std::string read_text(const std::filesystem::path& path);

/// Every line of `text` as JSON; a line that is not fails the test.
std::vector<nlohmann::json> json_lines(const std::string& text);

/// `train` flags for a run of seconds: two epochs on `data` into `out`.
std::vector<std::string> quick_train(const std::filesystem::path& data, const std::filesystem::path& out,
                                     const std::vector<std::string>& more = {});

}  // namespace frugal

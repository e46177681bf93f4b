// A program that runs beside this one.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace frugal {

/// In a process group of its own, so that a Ctrl-C of the terminal reaches it only through us, and ended by
/// SIGTERM should this process die.
class ChildProcess {
 public:
  /// `program` is a path, `words` the program's name and its arguments; both of its outputs are appended to
  /// `log`. An Error where it cannot be started; one that cannot be executed ends with 127.
  ChildProcess(const std::string& program, const std::vector<std::string>& words,
               const std::filesystem::path& log);
  /// Kills it where it still runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Its exit code, 128 + the signal that killed it, or nothing while it runs.
  std::optional<int> poll();
  void send(int signal) const;

 private:
  int pid_ = -1;
  std::optional<int> code_;
};

}  // namespace frugal

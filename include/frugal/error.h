// The one exception type of the project, and the exit codes that it can ask for.
#pragma once

#include <stdexcept>
#include <string>

#include "frugal/visible.h"

namespace frugal {

/// Exit codes of the program.
enum class ExitCode { done = 0, failed = 1, usage = 2, limit = 3, interrupted = 130, terminated = 143 };

/// Says what failed, on which file, value or layer, and what to do about it. `main` prints it as
/// `frugal: <message>` and exits with `code()`.
class FRUGAL_VISIBLE Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, ExitCode code = ExitCode::failed)
      : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

/// A mistake in what the user asked for: exit code 2.
inline Error usage_error(const std::string& message) { return Error(message, ExitCode::usage); }

}  // namespace frugal

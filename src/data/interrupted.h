// How fetching learns of Ctrl-C and SIGTERM, and how it ends then.
#pragma once

#include <atomic>

#include "base/error.h"

namespace frugal {

using StopFlag = std::atomic<int>;  // 0, or the signal's number

/// Whoever knows what was kept catches it and says so.
class Interrupted : public Error {
 public:
  explicit Interrupted(int signal, const std::string& message = "interrupted")
      : Error(message, static_cast<ExitCode>(128 + signal)), signal_(signal) {}
  int signal() const { return signal_; }

 private:
  int signal_;
};

inline void throw_if_stopped(const StopFlag& stop) {
  if (const int signal = stop) throw Interrupted(signal);
}

}  // namespace frugal

// Ctrl-C and SIGTERM while training or fetching: the first asks to stop after the step and save what there
// is, a second one of either kind ends the program at once.
#pragma once

#include <csignal>

namespace frugal {

/// Installs the handlers for its lifetime, and ignores SIGPIPE: a run must outlive the pager that watches it.
/// A signal that was ignored when the program began (`nohup`, a script's background job) goes on to be.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  // As they were.
  struct sigaction interrupt_ = {};
  struct sigaction terminate_ = {};
  struct sigaction pipe_ = {};
};

}  // namespace frugal

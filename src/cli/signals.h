// Ctrl-C and SIGTERM while training or fetching: the first asks to stop after the step and save what there
// is, a second one of either kind ends the program at once.
#pragma once

namespace frugal {

/// Installs the handlers for its lifetime, and ignores SIGPIPE: a run must outlive the pager that watches it.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
};

}  // namespace frugal

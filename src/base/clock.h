// Time as a limit counts it: on a clock that goes on while the machine sleeps and that nobody sets.
#pragma once

namespace frugal {

/// Seconds since the machine was booted, suspension included (CLOCK_BOOTTIME).
double boot_seconds();

/// When this process began, on the same clock, to about 10 ms: what loading the program and reading data took
/// counts too. Where the system does not say, the time of the first call.
double process_start();

/// Runs from when it is made.
class Stopwatch {
 public:
  double seconds() const { return boot_seconds() - start_; }

 private:
  double start_ = boot_seconds();
};

}  // namespace frugal

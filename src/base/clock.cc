#include "base/clock.h"

#include <unistd.h>

#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace frugal {
namespace {

/// The 22nd field of /proc/self/stat, `starttime`; negative where it cannot be read.
double start_by_system() {
  std::ifstream file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  // The second field is the program's name in parentheses, which may hold anything.
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return -1;
  std::istringstream fields(text.substr(name_end + 1));
  constexpr int before = 19;  // fields 3 to 21
  std::string skipped;
  for (int i = 0; i < before; ++i) fields >> skipped;
  double ticks = -1;
  fields >> ticks;
  return fields ? ticks / static_cast<double>(sysconf(_SC_CLK_TCK)) : -1;
}

}  // namespace

double boot_seconds() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double process_start() {
  static const double start = [] {
    const double now = boot_seconds(), told = start_by_system();
    return told >= 0 && told <= now ? told : now;  // a container's clock may be shifted against the system's
  }();
  return start;
}

}  // namespace frugal

#include "cli/loading.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>

#include "base/units.h"
#include "cli/output.h"

namespace frugal {
namespace {

using Clock = std::chrono::steady_clock;

/// One line on stderr, drawn over and gone at the end.
class Bar {
 public:
  Bar() = default;
  ~Bar() { clear(); }  // an error is told on a line of its own
  Bar(const Bar&) = delete;
  Bar& operator=(const Bar&) = delete;
  void show(const std::string& what, int64_t done, int64_t total) {
    const Clock::time_point now = Clock::now();
    if (done >= total) return clear();
    if (now - drawn_ < std::chrono::milliseconds(100)) return;
    drawn_ = now;
    const std::string counts = " " + with_thousands(done) + "/" + with_thousands(total);
    const size_t width = bar_width(what.size() + 1 + counts.size(), STDERR_FILENO);
    const size_t full = width * static_cast<size_t>(done) / static_cast<size_t>(total);
    std::fprintf(stderr, "\r\x1b[K%s %s%s%s", what.c_str(), std::string(full, '#').c_str(),
                 std::string(width - full, '.').c_str(), counts.c_str());
    shown_ = true;
  }
  void clear() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
    shown_ = false;
  }

 private:
  Clock::time_point drawn_ = Clock::now();  // what is done at once is not worth a bar
  bool shown_ = false;
};

}  // namespace

LoadOptions loading(bool bar) {
  LoadOptions options;
  options.cache_root = user_cache();
  const auto line = std::make_shared<Bar>();
  options.on_warning = [line](const std::string& message) {
    line->clear();
    warn(message);
  };
  if (bar && can_rewrite_lines(STDERR_FILENO)) {
    options.progress = [line](const std::string& what, int64_t done, int64_t total) {
      line->show(what, done, total);
    };
  }
  return options;
}

}  // namespace frugal

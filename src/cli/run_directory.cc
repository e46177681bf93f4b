#include "cli/run_directory.h"

#include <ctime>
#include <system_error>

#include "base/error.h"

namespace frugal {
namespace fs = std::filesystem;
namespace {

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d", &local);
  return text;
}

/// False where it exists already. Making it is the test, so two runs never share one.
bool make(const fs::path& path) {
  std::error_code failure;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), failure);
  if (!failure && fs::create_directory(path, failure)) return true;
  if (!failure || failure == std::errc::file_exists) return false;
  throw Error(path.string() + ": cannot make the run directory: " + failure.message() +
              "; choose another with --out");
}

}  // namespace

fs::path make_run_directory(const std::string& asked, const std::string& model) {
  if (!asked.empty()) {
    fs::path path(asked);
    if (!path.has_filename()) path = path.parent_path();  // "runs/x/" is "runs/x"
    std::error_code ignored;
    if (fs::exists(path, ignored) || !make(path)) {
      throw usage_error("--out " + asked + " exists already; choose another directory or remove it");
    }
    return path;
  }
  const fs::path first = fs::path("runs") / (today() + "-" + model);
  for (int i = 1; i < 10000; ++i) {
    fs::path path = i == 1 ? first : fs::path(first.string() + "-" + std::to_string(i));
    if (make(path)) return path;
  }
  throw Error(first.string() + ": ten thousand runs of this name exist; choose a directory with --out");
}

}  // namespace frugal

#include "run/run_directory.h"

#include <ctime>
#include <system_error>
#include <utility>

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
bool make_new(const fs::path& path) {
  std::error_code failure;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), failure);
  if (!failure && fs::create_directory(path, failure)) return true;
  if (!failure || failure == std::errc::file_exists) return false;
  throw Error(path.string() + ": cannot make the run directory: " + failure.message() +
              "; choose another with --out");
}

}  // namespace

RunDirectory RunDirectory::make(const std::string& asked, const std::string& model) {
  if (!asked.empty()) {
    const fs::path path = tidied(asked);
    std::error_code ignored;
    if (fs::exists(path, ignored) || !make_new(path)) {
      throw usage_error("--out " + asked + " exists already; choose another directory or remove it");
    }
    return RunDirectory(path);
  }
  const fs::path first = fs::path("runs") / (today() + "-" + model);
  for (int i = 1; i < 10000; ++i) {
    fs::path path = i == 1 ? first : fs::path(first.string() + "-" + std::to_string(i));
    if (make_new(path)) return RunDirectory(path);
  }
  throw Error(first.string() + ": ten thousand runs of this name exist; choose a directory with --out");
}

RunDirectory::RunDirectory(RunDirectory&& other) noexcept : path_(std::move(other.path_)) {
  other.path_.clear();
}

RunDirectory::~RunDirectory() {
  std::error_code not_empty;
  if (!path_.empty()) fs::remove(path_, not_empty);
}

}  // namespace frugal

// Where a run writes: a directory that did not exist before.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

namespace frugal {

/// Where it goes out of scope with nothing in the directory, the directory would only be in the way, and is
/// removed.
class RunDirectory {
 public:
  /// Makes `asked`, or runs/<date>-<model>, -2, -3, ... where it is empty; `model` is a model_label. One that
  /// exists is a usage error; one that cannot be made is an error that says why.
  static RunDirectory make(const std::string& asked, const std::string& model);
  /// One that is there, of a run that goes on.
  static RunDirectory existing(const std::filesystem::path& path) { return RunDirectory(tidied(path)); }

  RunDirectory(RunDirectory&& other) noexcept;
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;
  RunDirectory& operator=(RunDirectory&&) = delete;
  ~RunDirectory();

  const std::filesystem::path& path() const { return path_; }

 private:
  /// "runs/x/" is "runs/x".
  static std::filesystem::path tidied(const std::filesystem::path& path) {
    return path.has_filename() ? path : path.parent_path();
  }
  explicit RunDirectory(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
};

}  // namespace frugal

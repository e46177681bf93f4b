// One process at a time: a lock that the system lifts when its holder ends, however it ends.
#pragma once

#include <filesystem>

namespace frugal {

/// On a file that is made where it is not there, and stays: whoever removed it would let two in.
class FileLock {
 public:
  /// Does not lock yet. An Error where the file cannot be opened.
  explicit FileLock(const std::filesystem::path& path);
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

  /// False where another process holds it.
  bool try_lock();
  /// Waits for it.
  void lock();

 private:
  int take(int how) const;
  std::filesystem::path path_;
  int fd_;
};

}  // namespace frugal

// progress.bin of a run directory: the lock that keeps two programs out of one run, and once a second the
// time that the run has used. A header of 16 bytes, then records of 16 bytes each, little-endian.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <thread>

namespace frugal {

inline constexpr char progress_magic[17] = "frugalprogress1\n";

struct ProgressRecord {
  enum class Kind : uint32_t { heartbeat = 1 };  // value: seconds used since the run began
  Kind kind = Kind::heartbeat;
  uint32_t reserved = 0;
  double value = 0;
};
static_assert(sizeof(ProgressRecord) == 16);

class ProgressFile {
 public:
  /// Makes the file, locks it, and starts the heartbeat. An Error where another program holds the lock.
  explicit ProgressFile(const std::filesystem::path& directory);
  /// Writes the time used for the last time, and unlocks.
  ~ProgressFile();
  ProgressFile(const ProgressFile&) = delete;
  ProgressFile& operator=(const ProgressFile&) = delete;

  double seconds_used() const;

 private:
  void beat();
  void write_heartbeat();

  int file_ = -1;
  int64_t offset_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::condition_variable stop_signal_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace frugal

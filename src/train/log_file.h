// log.jsonl of a run directory: a line an epoch, flushed as written. Lines that could not be written are kept
// and tried again with the next one, so that a disk that was full for a while leaves no hole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace frugal {

class LogFile {
 public:
  explicit LogFile(std::filesystem::path path);
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  /// Appends the line and what is pending. An Error leaves the file as it was, and everything pending.
  void append(const std::string& line);
  /// Writes what is pending.
  void flush();

 private:
  std::filesystem::path path_;
  int file_ = -1;
  int64_t size_ = 0;
  std::string pending_;
};

}  // namespace frugal

// log.jsonl of a run directory: a line an epoch, flushed as written. Lines that could not be written are kept
// and tried again with the next one, so that a disk that was full for a while leaves no hole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace frugal {

class LogFile {
 public:
  /// Keeps the first `lines` lines of what is there and cuts off the rest; an Error where there are fewer.
  LogFile(std::filesystem::path path, int64_t lines);
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  /// The lines that were kept.
  const std::string& kept() const { return kept_; }

  /// Appends the line and what is pending. An Error leaves the file as it was, and everything pending.
  void append(const std::string& line);
  /// Writes what is pending.
  void flush();
  /// The same, and puts the file on disk.
  void sync();

 private:
  std::filesystem::path path_;
  std::string kept_;
  int file_ = -1;
  int64_t size_ = 0;
  std::string pending_;
};

}  // namespace frugal

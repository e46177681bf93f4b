// A file that is written piece by piece, for what is too large to be held in memory or must survive half
// done.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

namespace frugal {

/// Errors name path and reason ("No space left on device"); what was written until then stays.
class FileWriter {
 public:
  enum class Start { create, append };  // `create` refuses a file that is there, and never follows a link
  FileWriter(std::filesystem::path path, Start start);
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  ~FileWriter();

  void write(std::span<const uint8_t> bytes);
  int64_t size() const { return size_; }  // of the file, in bytes
  /// fsync and close: only now is it on disk.
  void finish();

 private:
  std::filesystem::path path_;
  int fd_ = -1;
  int64_t size_ = 0;
};

}  // namespace frugal

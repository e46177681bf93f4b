// Files read whole and written whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace frugal {

/// A regular file that is open for reading, piece by piece and from several threads. Missing, unreadable, no
/// regular file or larger than `max_bytes`: an error that names it.
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path, int64_t max_bytes = int64_t{1} << 40);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();
  int64_t size() const { return size_; }
  /// Fills `bytes` from `offset`; an error where the file ends before.
  void read(int64_t offset, std::span<uint8_t> bytes) const;

 private:
  std::filesystem::path path_;
  int fd_;
  int64_t size_ = 0;
};

/// The whole file. Missing, unreadable or larger than `max_bytes`: an error that names it.
std::vector<uint8_t> read_file(const std::filesystem::path& path, int64_t max_bytes = int64_t{1} << 40);
std::string read_text_file(const std::filesystem::path& path, int64_t max_bytes = 64 << 20);

/// Temporary file beside it, write, fsync, rename, fsync of the directory: afterwards the file is either the
/// old one or the new one, on disk. A failure removes the temporary file and names path and reason ("No space
/// left on device").
void write_file_atomic(const std::filesystem::path& path, std::span<const std::span<const uint8_t>> pieces);
void write_file_atomic(const std::filesystem::path& path, const std::string& text);

/// Makes renames in a directory last through a power cut.
void sync_renames(const std::filesystem::path& directory);

}  // namespace frugal

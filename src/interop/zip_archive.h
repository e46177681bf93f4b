// Reading zip files whose entries are stored as they are, as torch.save writes them. Everything that could
// make a small file large (compression, entries that overlap) is refused when it is opened.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

struct zip;  // of libzip

namespace frugal {

class ZipArchive {
 public:
  struct Entry {
    std::string name;
    int64_t size;
  };

  /// Errors name the file and the entry.
  explicit ZipArchive(const std::filesystem::path& path);

  const std::vector<Entry>& entries() const { return entries_; }
  /// Index of the entry of that name.
  std::optional<size_t> find(const std::string& name) const;
  /// The whole entry, checksum verified, straight into `bytes` of its size.
  void read(size_t entry, std::span<uint8_t> bytes) const;

 private:
  struct Close {
    void operator()(zip* archive) const;
  };
  void check_entries(int64_t file_bytes);

  std::string file_;
  std::unique_ptr<zip, Close> archive_;
  std::vector<Entry> entries_;
};

}  // namespace frugal

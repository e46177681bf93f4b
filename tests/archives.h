// Archives as a test wants them, hostile ones too.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <filesystem>
#include <string>
#include <vector>

#include "temp_dir.h"

namespace frugal {

struct TarEntry {
  std::string path;
  std::string bytes = {};
  unsigned type = AE_IFREG;
  std::string symlink = {}, hardlink = {};
};

inline void write_tar_gz(const std::filesystem::path& path, const std::vector<TarEntry>& entries) {
  archive* writer = archive_write_new();
  archive_write_add_filter_gzip(writer);
  archive_write_set_filter_option(writer, "gzip", "compression-level", "1");
  archive_write_set_format_pax_restricted(writer);
  archive_write_open_filename(writer, path.c_str());
  for (const TarEntry& each : entries) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, each.path.c_str());
    archive_entry_set_filetype(entry, each.type);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, static_cast<la_int64_t>(each.bytes.size()));
    if (!each.symlink.empty()) archive_entry_set_symlink(entry, each.symlink.c_str());
    if (!each.hardlink.empty()) archive_entry_set_hardlink(entry, each.hardlink.c_str());
    archive_write_header(writer, entry);
    archive_write_data(writer, each.bytes.data(), each.bytes.size());
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
}

/// The files of a directory, below `folder`.
inline std::vector<TarEntry> tar_entries(const std::filesystem::path& directory, const std::string& folder) {
  std::vector<TarEntry> entries{{.path = folder + "/", .type = AE_IFDIR}};
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    entries.push_back({.path = folder + "/" + file.path().filename().string(), .bytes = get(file.path())});
  }
  return entries;
}

}  // namespace frugal

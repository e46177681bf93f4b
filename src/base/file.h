// Files read whole and written whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace frugal {

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

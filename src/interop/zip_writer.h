// Writing zip files whose entries are stored as they are, each on a multiple of 64 bytes, so that a reader
// can map them: what torch.save makes. libzip can neither align nor sync to disk, and stored entries need
// little.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace frugal {

struct ZipContent {
  std::string name;
  std::span<const uint8_t> data;
};

/// Written atomically. Up to 4 GiB and 65,534 entries, as far as zip goes without its later extensions; more
/// is an Error.
void write_zip(const std::filesystem::path& path, std::span<const ZipContent> contents);

}  // namespace frugal

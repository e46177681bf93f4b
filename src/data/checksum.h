// MD5 and SHA-256 of files, to be held against what a publisher states. MD5 alone shows damage, not malice.
#pragma once

#include <filesystem>
#include <string>

#include "data/interrupted.h"

namespace frugal {

/// Lower-case hexadecimal; empty where it is not known.
struct Checksums {
  std::string md5, sha256;
};

/// Both, of a file that may be larger than memory. Throws Interrupted when `stop` is set.
Checksums checksums_of(const std::filesystem::path& path, const StopFlag& stop);

/// Empty when `found` has all that is expected; else which differs: "its SHA-256 is ab.. instead of cd..".
/// Nothing expected is an error of the caller's: std::logic_error.
std::string checksum_difference(const Checksums& expected, const Checksums& found);

}  // namespace frugal

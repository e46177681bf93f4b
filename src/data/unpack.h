// Unpacks a .tar.gz that may be hostile: only plain files and directories come out, and only inside the
// folder that is named.
#pragma once

#include <filesystem>

#include "data/interrupted.h"

namespace frugal {

struct UnpackLimits {
  int64_t entries = 1000;
  int64_t bytes = int64_t{1} << 30;  // unpacked, of all files
};

/// Unpacks into the existing, empty directory `into`, each file synced. Absolute paths, "..", links, devices,
/// a file that comes twice, more than the limits, damage and other formats are errors that name archive and
/// entry; so is a full disk. What was unpacked until then stays: the caller throws the directory away.
/// Returns the number of files.
int64_t unpack(const std::filesystem::path& archive, const std::filesystem::path& into,
               const UnpackLimits& limits, const StopFlag& stop);

}  // namespace frugal

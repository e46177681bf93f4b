// How much memory this process may still take: the machine's, or less where a control group (a container, a
// batch job) limits it.
#pragma once

#include <cstdint>
#include <filesystem>

namespace frugal {

/// Bytes that can be taken without swapping or being killed: the least of what the kernel calls available and
/// of what each control group above this process, version 1 or 2, leaves (its limit less what it uses; files
/// that the kernel caches do not count, it gives them up). What cannot be read does not limit. `root` is
/// where /proc and /sys are looked for.
int64_t available_memory(const std::filesystem::path& root = "/");

}  // namespace frugal

// Gzipped bytes, unpacked up to a limit that is known beforehand.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace frugal {

bool is_gzip(std::span<const uint8_t> bytes);

/// Deflate makes at most so much of a byte.
inline constexpr int64_t max_gzip_ratio = 1032;

/// The first `most` bytes, or all where there are fewer. Damage before that point is an error that names
/// `file`; and, where the end is reached, so are a wrong checksum, a cut end and bytes behind it.
std::vector<uint8_t> gunzip(std::span<const uint8_t> bytes, int64_t most, const std::string& file);

}  // namespace frugal

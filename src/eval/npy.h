// Numbers as NumPy reads them: for comparing with other programs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

namespace frugal {

/// A matrix as a .npy file, format 1.0, written atomically. `values` holds whole rows of `columns`.
void write_npy(const std::filesystem::path& path, std::span<const float> values, int64_t columns);

}  // namespace frugal

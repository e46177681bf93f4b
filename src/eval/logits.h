// A network's logits, and floats as NumPy reads them: for comparing with other programs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "data/dataset.h"
#include "nn/engine.h"

namespace frugal {

/// [ids, classes]: the logits of these images, in the order of `ids`.
std::vector<float> logits_of(Engine& engine, const ImageSet& images, std::span<const int32_t> ids,
                             const Normalization& normalization);

/// A matrix as a .npy file, format 1.0, written atomically. `values` holds whole rows of `columns`.
void write_npy(const std::filesystem::path& path, std::span<const float> values, int64_t columns);

}  // namespace frugal

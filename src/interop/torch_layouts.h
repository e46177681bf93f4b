// The two layouts of PyTorch's files.
#pragma once

#include <filesystem>

#include "base/tensor_file.h"

namespace frugal {

/// A pickle of this size is no state_dict's; it is held in memory while it is read.
inline constexpr int64_t max_torch_pickle = int64_t{64} << 20;

/// Since PyTorch 1.6: a zip file of NAME/data.pkl and a NAME/data/KEY for each storage.
TensorFile read_torch_zip(const std::filesystem::path& path);

/// Before: pickles of a magic number, the version, the writer's machine, the object and the storages' keys;
/// then, for each key, the count of its numbers and the numbers.
TensorFile read_torch_stream(const std::filesystem::path& path);

}  // namespace frugal

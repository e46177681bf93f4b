// Weights in whatever format: the one way in for commands that take a file of them.
#pragma once

#include <filesystem>

#include "base/tensor_file.h"

namespace frugal {

/// safetensors, and PyTorch's files in both layouts, told apart by their content. An Error for anything else
/// says what is read.
TensorFile read_weights_file(const std::filesystem::path& path);

}  // namespace frugal

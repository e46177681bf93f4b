// Which format a file of weights is in, by its first bytes; names end in anything.
#pragma once

#include <filesystem>

namespace frugal {

enum class FileKind { safetensors, torch_zip, torch_stream, onnx, unknown };

FileKind file_kind(const std::filesystem::path& path);

}  // namespace frugal

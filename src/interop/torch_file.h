// PyTorch's weights files (.pt, .pth, .th), as torch.save writes them: a zip file since 1.6, a stream of
// pickles and bytes before. Nothing in them is ever executed.
#pragma once

#include <filesystem>
#include <span>

#include "base/safetensors.h"
#include "base/tensor_file.h"

namespace frugal {

/// The state_dict in the file, wherever a checkpoint keeps it (torch_state_dict.h says which is chosen, and
/// what the metadata say of it); names without the prefix of DataParallel. Memory: the tensors, and while
/// reading at most one storage more. Errors name the file, the tensor or the Python name that is refused, and
/// say what to do.
TensorFile read_torch_file(const std::filesystem::path& path);

/// An OrderedDict of the tensors, in this order, that torch.load opens, also with weights_only=True, and
/// load_state_dict takes. Written atomically. Types: F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL.
void write_torch_file(const std::filesystem::path& path, std::span<const TensorRecord> tensors);

}  // namespace frugal

#include "interop/weights_file.h"

#include <utility>

#include "base/error.h"
#include "base/safetensors.h"
#include "interop/file_kind.h"
#include "interop/onnx_import.h"
#include "interop/torch_layouts.h"

namespace frugal {
namespace {

TensorFile from_safetensors(SafetensorsFile file) {
  TensorFile result;
  result.format = "safetensors";
  result.metadata = std::move(file.metadata);
  result.tensors = std::move(file.tensors);
  result.storages.push_back(std::move(file.storage));
  return result;
}

}  // namespace

TensorFile read_weights_file(const std::filesystem::path& path) {
  switch (file_kind(path)) {
    case FileKind::safetensors:
      return from_safetensors(read_safetensors(path));
    case FileKind::torch_zip:
      return read_torch_zip(path);
    case FileKind::torch_stream:
      return read_torch_stream(path);
    case FileKind::onnx:
      return read_onnx_weights(path);
    case FileKind::unknown:
      break;
  }
  throw Error(path.string() +
              ": is no file of weights that is known here; safetensors, PyTorch's files (.pt, .pth, .th) "
              "and ONNX are read");
}

}  // namespace frugal

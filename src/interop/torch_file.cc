#include "interop/torch_file.h"

#include "base/error.h"
#include "interop/file_kind.h"
#include "interop/torch_layouts.h"

namespace frugal {

TensorFile read_torch_file(const std::filesystem::path& path) {
  switch (file_kind(path)) {
    case FileKind::torch_zip:
      return read_torch_zip(path);
    case FileKind::torch_stream:
      return read_torch_stream(path);
    default:
      throw Error(path.string() + ": is not a PyTorch file, neither in the zip nor in the older layout");
  }
}

}  // namespace frugal

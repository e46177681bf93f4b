// Tensors by name with what a file says beside them, whatever its format: what readers of weights yield.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/safetensors.h"

namespace frugal {

/// Moves but does not copy: the tensors' bytes lie in `storages`, at any alignment; several tensors may share
/// some. All are dense, in C order.
struct TensorFile {
  TensorFile() = default;
  TensorFile(TensorFile&&) = default;
  TensorFile& operator=(TensorFile&&) = default;
  TensorFile(const TensorFile&) = delete;
  TensorFile& operator=(const TensorFile&) = delete;
  ~TensorFile() = default;

  std::string format;  // "safetensors", "PyTorch", "PyTorch (before 1.6)", "ONNX"
  std::map<std::string, std::string> metadata;
  std::vector<TensorRecord> tensors;  // in the file's order, which is the module's
  std::vector<std::vector<uint8_t>> storages;
};

/// "64x3x3x3", or "scalar", for tables.
std::string dimensions_text(const std::vector<int64_t>& shape);

/// The numbers of a floating-point or integer tensor (F64, F32, F16, BF16, I64 to I8, U64 to U8, BOOL) as
/// floats, rounded to nearest even. Any other type is an Error that names the tensor.
std::vector<float> to_floats(const TensorRecord& tensor);

}  // namespace frugal

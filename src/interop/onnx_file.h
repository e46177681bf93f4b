// ONNX files read with suspicion: parsed within limits, and their tensors checked before anybody uses them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "interop/onnx.pb.h"

namespace frugal {

/// The parsed file, at most 1 GiB. Another format, damage, an opset that is not known and more pieces than
/// its size explains are errors that name it. Takes memory for at most some thirty times the file's size.
onnx::Model read_onnx_model(const std::filesystem::path& path);
/// The same from memory; `file` is what errors call it.
onnx::Model parse_onnx_model(std::span<const uint8_t> bytes, const std::string& file);

/// A tensor's numbers as they lie in memory, little-endian, with safetensors' name of their type.
struct OnnxNumbers {
  std::string dtype;
  std::vector<int64_t> shape;
  std::vector<uint8_t> bytes;
};
/// Data in another file, types without a name and sizes that do not fit are errors that name the tensor.
OnnxNumbers numbers_of(const onnx::Tensor& tensor, const std::string& file);

/// Small tensors of whole numbers, such as shapes and axes; nothing where it is none, or has more than
/// `most` elements.
std::optional<std::vector<int64_t>> integers_of(const onnx::Tensor& tensor, const std::string& file,
                                                int64_t most);
/// As floats.
std::vector<float> floats_of(const onnx::Tensor& tensor, const std::string& file);
bool holds_only(const onnx::Tensor& tensor, float number, const std::string& file);
/// How many numbers the tensor's dimensions come to; an error where they are none of a tensor.
int64_t elements_of(const onnx::Tensor& tensor, const std::string& file);

}  // namespace frugal

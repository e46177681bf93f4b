// The numbers by which ONNX files name types, of tensors and of attributes.
#pragma once

#include <cstdint>

namespace frugal::onnx {

enum class TensorElement : int32_t {
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  int16 = 5,
  int32 = 6,
  int64 = 7,
  boolean = 9,
  float16 = 10,
  float64 = 11,
  bfloat16 = 16,
};

enum class AttributeType : int32_t {
  number = 1,
  integer = 2,
  text = 3,
  tensor = 4,
  numbers = 6,
  integers = 7
};

inline constexpr int64_t ir_version = 8;
inline constexpr int64_t opset = 17;

}  // namespace frugal::onnx

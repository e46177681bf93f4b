#include "base/tensor_file.h"

#include <bit>
#include <cstring>

#include "base/error.h"
#include "base/tensor_view.h"

namespace frugal {
namespace {

template <class T>
T element(const TensorRecord& tensor, size_t i) {
  T value;
  std::memcpy(&value, tensor.data.data() + i * sizeof(T), sizeof(T));
  return value;
}

/// IEEE 754 binary16.
float from_half(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 31u, fraction = bits & 1023u;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
  const float magnitude = static_cast<float>(fraction) * 0x1p-24f;  // subnormal: exact
  return sign != 0 ? -magnitude : magnitude;
}

template <class T, class Convert>
std::vector<float> convert(const TensorRecord& tensor, Convert&& to_float) {
  std::vector<float> values(tensor.data.size() / sizeof(T));
  for (size_t i = 0; i < values.size(); ++i) values[i] = to_float(element<T>(tensor, i));
  return values;
}

template <class T>
std::vector<float> cast(const TensorRecord& tensor) {
  return convert<T>(tensor, [](T value) { return static_cast<float>(value); });
}

}  // namespace

std::string dimensions_text(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t extent : shape) text += (text.empty() ? "" : "x") + std::to_string(extent);
  return text.empty() ? "scalar" : text;
}

std::vector<float> to_floats(const TensorRecord& tensor) {
  const std::string& type = tensor.dtype;
  if (type == "F32") return cast<float>(tensor);
  if (type == "F64") return cast<double>(tensor);
  if (type == "F16") return convert<uint16_t>(tensor, from_half);
  if (type == "BF16") return convert<uint16_t>(tensor, from_bf16);
  if (type == "I64") return cast<int64_t>(tensor);
  if (type == "I32") return cast<int32_t>(tensor);
  if (type == "I16") return cast<int16_t>(tensor);
  if (type == "I8") return cast<int8_t>(tensor);
  if (type == "U64") return cast<uint64_t>(tensor);
  if (type == "U32") return cast<uint32_t>(tensor);
  if (type == "U16") return cast<uint16_t>(tensor);
  if (type == "U8") return cast<uint8_t>(tensor);
  if (type == "BOOL") return convert<uint8_t>(tensor, [](uint8_t value) { return value != 0 ? 1.0f : 0.0f; });
  throw Error(tensor.name + " is of type " + type + ", which cannot be used as numbers");
}

}  // namespace frugal

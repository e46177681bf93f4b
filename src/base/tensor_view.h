// How data reaches a tensor that somebody else owns: pointer, type, shape, strides. Padding is the view's
// business.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace frugal {

enum class DType : uint8_t { u8, f32, bf16 };

inline int64_t size_of(DType type) { return type == DType::f32 ? 4 : type == DType::bf16 ? 2 : 1; }

/// The upper half of a float, rounded to nearest even. NaN stays NaN for every NaN that arithmetic makes.
inline uint16_t to_bf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}
inline float from_bf16(uint16_t value) {
  const uint32_t bits = uint32_t{value} << 16;
  float result;
  std::memcpy(&result, &bits, 4);
  return result;
}

/// Four dimensions, [N, H, W, C] for images; strides in elements.
struct TensorView {
  void* data = nullptr;
  DType type = DType::f32;
  std::array<int64_t, 4> shape{};
  std::array<int64_t, 4> strides{};

  /// Dense [N, H, W, C].
  static TensorView dense(void* data, DType type, std::array<int64_t, 4> shape) {
    return {data, type, shape, {shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1}};
  }
  int64_t elements() const { return shape[0] * shape[1] * shape[2] * shape[3]; }
  void* at(int64_t n, int64_t h = 0, int64_t w = 0, int64_t c = 0) const {
    return static_cast<char*>(data) +
           (n * strides[0] + h * strides[1] + w * strides[2] + c * strides[3]) * size_of(type);
  }
};

}  // namespace frugal

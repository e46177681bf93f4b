// Squeeze-and-excitation's last step: every channel of a sample times its own factor.
#pragma once

#include <cstdint>

namespace frugal {

/// One sample: y = x * factors; x and y [pixels, c], factors [c]. T is float or uint16_t (bf16).
template <class T>
void gate_forward(int64_t pixels, int64_t c, const T* x, const T* factors, T* y);

/// Where the gradients of one sample go; null: nobody needs it. What is not added to is overwritten.
template <class T>
struct GateGradients {
  T* x = nullptr;        // [pixels, c]; may be the memory of dy or of x
  T* factors = nullptr;  // [c]
  bool add_to_x = false, add_to_factors = false;
};

/// dx = dy * factors; dfactors = sum of dy * x over the pixels, in fp32. x is written first. scratch: [c].
template <class T>
void gate_backward(int64_t pixels, int64_t c, const T* x, const T* factors, const T* dy,
                   const GateGradients<T>& gradients, float* scratch);

}  // namespace frugal

// What changes activations number by number, in one pass over memory each way:
// affine (batch-norm, scale) -> drop-path -> + addend -> activation -> dropout, any of them absent.
// Tensors are [rows, c] in fp32 or bf16 (`T` is float or uint16_t); channel vectors are fp32. Rows are taken
// in tiles that stay in L1, each channel's constants in registers over a tile.
#pragma once

#include <cstdint>

#include "graph/graph.h"

namespace frugal {

/// What forward reads, and backward again. dx, the addend's gradient and y may lie over what they are made
/// from.
template <class T>
struct Pointwise {
  int64_t rows = 0, c = 0;
  const T* x = nullptr;
  const float* scale = nullptr;  // [c], with shift; null: the identity
  const float* shift = nullptr;
  float factor = 1;           // of drop-path, after the affine step
  const T* addend = nullptr;  // or null
  bool active = false;        // there is an activation
  Activation activation = Activation::relu;
  float alpha = 0;
  const uint8_t* keep = nullptr;  // bits of the elements that dropout keeps, or null
  float keep_scale = 1;

  bool relu() const { return active && activation == Activation::relu; }
};

template <class T>
void pointwise_forward(const Pointwise<T>& p, T* y);

/// What the derivative of the activation is told by: ReLU by the zeros of `y` where that is given (the only
/// way that needs neither x nor addend); else x and addend are read and forward is done again.
template <class T>
struct PointwiseGradient {
  const T* y = nullptr;
  const T* dy = nullptr;
};

/// With g the gradient behind the affine step: adds the sum of g and of g * (x - mean) to sum_g and sum_gx,
/// [c].
template <class T>
void pointwise_backward_sums(const Pointwise<T>& p, const PointwiseGradient<T>& how, const float* mean,
                             float* sum_g, float* sum_gx);

/// dx = a * g + b * (x - mean) + offset; without `a` the affine step is the identity, and without `b` x is
/// not read for this. Null pointers: nobody needs that gradient.
template <class T>
struct PointwiseTargets {
  const float *a = nullptr, *b = nullptr, *mean = nullptr, *offset = nullptr;  // [c]
  T* dx = nullptr;
  bool add_dx = false;   // to what dx holds, rather than over it
  T* daddend = nullptr;  // the gradient before the affine step and drop-path
  bool add_daddend = false;
};
template <class T>
void pointwise_backward_input(const Pointwise<T>& p, const PointwiseGradient<T>& how,
                              const PointwiseTargets<T>& targets);

}  // namespace frugal

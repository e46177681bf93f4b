// Activation functions and their derivatives on whole tensors or on the fp32 tiles of ops that work in tiles:
// every one of graph.h but PReLU, whose slopes are parameters.
#pragma once

#include <cstdint>

#include "graph/graph.h"

namespace frugal {

/// y = f(x), n numbers; y may be x. `alpha` as Node::alpha. Results are stored as `Stored` in the end: float,
/// or uint16_t for bf16. T is that type, or float where they go through an fp32 tile before. Within 1e-6
/// relative or 2e-7 absolute of the exact value; measured on 4.8 million numbers within 24 of zero: at most
/// 0.85 of that. GELU is by polynomials of our own, the others by Highway's exponentials. For bf16, which
/// keeps 4e-3 relative, GELU is within 5e-6 relative or 8e-6 absolute. NaN stays NaN; infinities come out as
/// in PyTorch, where SiLU, GELU, Mish and Hardswish of -inf are NaN (0 times inf).
template <class Stored, class T>
void activation_forward(Activation kind, float alpha, const T* x, T* y, int64_t n);

/// dx = dy * f'(x), as accurate; dx may be dy. GELU's derivative for bf16 is within 5e-5 absolute. At kinks
/// the derivative is that of PyTorch 1.13: ReLU, ReLU6, LeakyReLU and Hardsigmoid take the flatter side, ELU
/// alpha at 0, Hardswish z / 3 + 1/2 at -3 and 3. At infinities the limit.
template <class Stored, class T>
void activation_gradient(Activation kind, float alpha, const T* x, const T* dy, T* dx, int64_t n);

}  // namespace frugal

// The orthogonal matrix nearest to a given one, nearly: what Muon makes of a gradient.
#pragma once

#include <cstdint>
#include <span>

#include "nn/matmul.h"
#include "nn/parameters.h"

namespace frugal {

/// Keller Jordan's Newton-Schulz iteration ("Muon: An optimizer for hidden layers in neural networks", 2024,
/// kellerjordan.github.io/posts/muon): X = G / (||G|| + 1e-7), then `steps` times, with A = X X^T,
/// X = 3.4445 X + (-4.7750 A + 2.0315 A^2) X. Singular values end up between about 0.7 and 1.2, but for those
/// that were below some thousandth of the norm. Of a matrix with more rows than columns A is X^T X, which is
/// the same and cheaper.
///
/// One matrix, run by one thread at a time; to be made and run on an engine's threads, see nn/matmul.h.
class NewtonSchulz {
 public:
  /// `bf16`: the operands of every product are bf16, sums and what lies between are fp32.
  NewtonSchulz(int64_t rows, int64_t columns, int64_t steps, bool bf16);

  /// [rows, columns], row by row: where the matrix is to be written.
  std::span<float> matrix() { return matrix_.span(); }
  /// Puts its orthogonalisation in the matrix's place. Zero stays zero.
  void run();

 private:
  template <class T>
  void iterate();

  int64_t size_, side_, steps_;  // numbers of the matrix, and rows of A
  bool bf16_, tall_;
  Product gram_, square_, apply_;   // X X^T, A A, B X
  AlignedFloats x_, a_, b_;         // operands, in halves of these floats where they are bf16
  AlignedFloats product_, matrix_;  // [side, side]; the matrix, and between the two B X
};

}  // namespace frugal

// Eigenvalues and eigenvectors of small symmetric matrices.
#pragma once

#include <cstdint>
#include <vector>

namespace frugal {

struct Eigen {
  std::vector<double> values;   // [n], largest first
  std::vector<double> vectors;  // [n, n]: row i belongs to values[i]; orthonormal, largest entry positive
};

/// Of the symmetric `matrix` [n, n], of which the upper triangle is read: Jacobi's method in cyclic order
/// (Golub & Van Loan, "Matrix Computations", section 8.5), until what is off the diagonal is below 1e-17 of
/// the matrix. Plain double arithmetic, the same bits everywhere; meant for n up to some hundreds.
Eigen symmetric_eigen(std::vector<double> matrix, int64_t n);

}  // namespace frugal

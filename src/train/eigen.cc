#include "train/eigen.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace frugal {
namespace {

/// Rows p and q turned in their plane, along both axes of the matrix and one of the vectors.
class Jacobi {
 public:
  Jacobi(std::vector<double> matrix, size_t n) : a_(std::move(matrix)), v_(n * n), n_(n) {
    for (size_t i = 0; i < n; ++i) {
      v_[i * n + i] = 1;
      for (size_t j = 0; j < i; ++j) at(i, j) = at(j, i);
    }
  }

  double off_diagonal() const {
    double sum = 0;
    for (size_t i = 0; i < n_; ++i) {
      for (size_t j = 0; j < i; ++j) sum += 2 * a_[i * n_ + j] * a_[i * n_ + j];
    }
    return sum;
  }

  void sweep() {
    for (size_t p = 0; p + 1 < n_; ++p) {
      for (size_t q = p + 1; q < n_; ++q) rotate(p, q);
    }
  }

  double value(size_t i) const { return a_[i * n_ + i]; }
  const double* vector(size_t i) const { return v_.data() + i * n_; }

 private:
  double& at(size_t i, size_t j) { return a_[i * n_ + j]; }

  void rotate(size_t p, size_t q) {
    const double apq = at(p, q);
    if (apq == 0) return;
    const double theta = (at(q, q) - at(p, p)) / (2 * apq);
    // The smaller root of t^2 + 2 theta t - 1 = 0: a turn of at most 45 degrees.
    const double t = (theta < 0 ? -1 : 1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
    const double c = 1 / std::sqrt(t * t + 1), s = t * c;
    turn(&at(p, 0), &at(q, 0), c, s);
    turn(&v_[p * n_], &v_[q * n_], c, s);
    for (size_t i = 0; i < n_; ++i) {
      const double x = at(i, p), y = at(i, q);
      at(i, p) = c * x - s * y;
      at(i, q) = s * x + c * y;
    }
    at(p, q) = at(q, p) = 0;
  }

  void turn(double* p, double* q, double c, double s) const {
    for (size_t i = 0; i < n_; ++i) {
      const double x = p[i], y = q[i];
      p[i] = c * x - s * y;
      q[i] = s * x + c * y;
    }
  }

  std::vector<double> a_, v_;  // the matrix; a row of v_ is a vector
  size_t n_;
};

}  // namespace

Eigen symmetric_eigen(std::vector<double> matrix, int64_t n) {
  const auto size = static_cast<size_t>(n);
  double norm = 0;
  for (const double entry : matrix) norm += entry * entry;
  Jacobi jacobi(std::move(matrix), size);
  // It converges quadratically: some ten sweeps; a matrix with NaN never does.
  for (int sweep = 0; sweep < 40 && jacobi.off_diagonal() > 1e-34 * norm; ++sweep) jacobi.sweep();

  std::vector<size_t> order(size);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return jacobi.value(a) > jacobi.value(b); });
  Eigen eigen;
  for (const size_t i : order) {
    eigen.values.push_back(jacobi.value(i));
    const double* vector = jacobi.vector(i);
    const double largest = *std::max_element(vector, vector + size,
                                             [](double x, double y) { return std::abs(x) < std::abs(y); });
    for (size_t k = 0; k < size; ++k) eigen.vectors.push_back(largest < 0 ? -vector[k] : vector[k]);
  }
  return eigen;
}

}  // namespace frugal

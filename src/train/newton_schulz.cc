#include "train/newton_schulz.h"

#include <algorithm>
#include <cmath>

#include "base/tensor_view.h"
#include "train/chunks.h"

namespace frugal {
namespace {

// The quintic that rises most steeply at zero of those that settle around one.
constexpr float linear = 3.4445f, cubic = -4.7750f, quintic = 2.0315f;
constexpr double eps = 1e-7;

float load(float value) { return value; }
float load(uint16_t value) { return from_bf16(value); }
void store(float value, float& to) { to = value; }
void store(float value, uint16_t& to) { to = to_bf16(value); }

/// Of an operand: so many floats, or half of them.
int64_t floats(int64_t numbers, bool bf16) { return bf16 ? (numbers + 1) / 2 : numbers; }

ProductShape gram_shape(int64_t rows, int64_t columns) {
  return rows > columns ? ProductShape{columns, columns, rows, true, false}
                        : ProductShape{rows, rows, columns, false, true};
}

}  // namespace

NewtonSchulz::NewtonSchulz(int64_t rows, int64_t columns, int64_t steps, bool bf16)
    : size_(rows * columns),
      side_(std::min(rows, columns)),
      steps_(steps),
      bf16_(bf16),
      tall_(rows > columns),
      gram_(gram_shape(rows, columns), bf16),
      square_({side_, side_, side_}, bf16),
      apply_({rows, columns, side_}, bf16),
      x_(floats(size_, bf16)),
      a_(floats(side_ * side_, bf16)),
      b_(floats(side_ * side_, bf16)),
      product_(side_ * side_),
      matrix_(size_) {}

void NewtonSchulz::run() {
  if (bf16_) {
    iterate<uint16_t>();
  } else {
    iterate<float>();
  }
}

template <class T>
void NewtonSchulz::iterate() {
  T* const x = reinterpret_cast<T*>(x_.span().data());
  T* const a = reinterpret_cast<T*>(a_.span().data());
  T* const b = reinterpret_cast<T*>(b_.span().data());
  float* const product = product_.span().data();
  float* const matrix = matrix_.span().data();
  const auto scale = static_cast<float>(1 / (std::sqrt(sum_of_squares(matrix, size_)) + eps));
  for (int64_t i = 0; i < size_; ++i) store(matrix[i] * scale, x[i]);
  for (int64_t step = 0; step < steps_; ++step) {
    gram_.run(x, x, product);
    for (int64_t i = 0; i < side_ * side_; ++i) store(product[i], a[i]);
    square_.run(a, a, product);
    for (int64_t i = 0; i < side_ * side_; ++i) store(cubic * load(a[i]) + quintic * product[i], b[i]);
    tall_ ? apply_.run(x, b, matrix) : apply_.run(b, x, matrix);
    for (int64_t i = 0; i < size_; ++i) store(linear * load(x[i]) + matrix[i], x[i]);
  }
  for (int64_t i = 0; i < size_; ++i) matrix[i] = load(x[i]);
}

}  // namespace frugal

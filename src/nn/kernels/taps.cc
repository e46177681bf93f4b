// The weights of the pools in resample.h.
#include <algorithm>
#include <cmath>

#include "nn/kernels/pool_axis.h"
#include "nn/kernels/resample.h"

namespace frugal {
namespace {

/// Each window's mean, over what `divisor` says for its output position.
template <class Divisor>
Taps window_taps(const PoolAxis& axis, Divisor&& divisor) {
  Taps result{.in = axis.in, .out = axis.out, .first = {0}};
  for (int64_t o = 0; o < axis.out; ++o) {
    const PoolRange window = axis.windows[static_cast<size_t>(o)];
    const auto weight = static_cast<float>(1.0 / static_cast<double>(divisor(o, window)));
    for (int32_t i = window.begin; i < window.end; ++i) result.taps.push_back({i, weight});
    result.first.push_back(static_cast<int64_t>(result.taps.size()));
  }
  return result;
}

}  // namespace

Taps average_taps(int64_t in, int64_t out, int kernel, int stride, int padding, bool count_padding) {
  return window_taps(window_axis(in, out, kernel, stride, padding),
                     [&](int64_t o, PoolRange window) -> int64_t {
                       if (!count_padding) return window.end - window.begin;
                       const int64_t begin = o * stride - padding;
                       return std::min(begin + kernel, in + padding) - begin;
                     });
}

Taps adaptive_average_taps(int64_t in, int64_t out) {
  return window_taps(adaptive_axis(in, out),
                     [](int64_t, PoolRange window) { return window.end - window.begin; });
}

Taps blur_taps(int64_t in, int64_t out, int size, int stride) {
  std::vector<float> binomial;
  double coefficient = 1;  // (size - 1 over k)
  for (int k = 0; k < size; ++k) {
    binomial.push_back(static_cast<float>(std::ldexp(coefficient, 1 - size)));
    coefficient = coefficient * (size - 1 - k) / (k + 1);
  }
  Taps result{.in = in, .out = out, .first = {0}};
  for (int64_t o = 0; o < out; ++o) {
    for (int k = 0; k < size; ++k) {
      int64_t from = std::abs(o * stride - (size - 1) / 2 + k);
      if (from >= in) from = 2 * (in - 1) - from;
      result.taps.push_back({static_cast<int32_t>(from), binomial[static_cast<size_t>(k)]});
    }
    result.first.push_back(static_cast<int64_t>(result.taps.size()));
  }
  return result;
}

Taps transposed(const Taps& taps) {
  Taps result{.in = taps.out, .out = taps.in, .first = {0}};
  std::vector<std::vector<Taps::Tap>> by_input(static_cast<size_t>(taps.in));
  for (int64_t o = 0; o < taps.out; ++o) {
    for (const Taps::Tap& tap : taps.of(o)) {
      by_input[static_cast<size_t>(tap.from)].push_back({static_cast<int32_t>(o), tap.weight});
    }
  }
  for (const std::vector<Taps::Tap>& row : by_input) {
    result.taps.insert(result.taps.end(), row.begin(), row.end());
    result.first.push_back(static_cast<int64_t>(result.taps.size()));
  }
  return result;
}

ResampleShape transposed(const ResampleShape& shape) {
  return {transposed(shape.h), transposed(shape.w), shape.c};
}

}  // namespace frugal

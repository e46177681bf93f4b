// The pointwise kernels against doubles that say what they mean: every way to tell ReLU's mask, an activation
// that is computed in tiles, additions, dropout, gradients that are added to, and rows wider than a tile.
#include "nn/kernels/pointwise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/philox.h"
#include "base/tensor_view.h"

namespace frugal {
namespace {

template <class T>
T narrow(float v) {
  if constexpr (std::is_same_v<T, float>)
    return v;
  else
    return to_bf16(v);
}
template <class T>
double widen(T v) {
  if constexpr (std::is_same_v<T, float>)
    return v;
  else
    return from_bf16(v);
}

template <class T = float>
std::vector<T> numbers(int64_t n, uint32_t what) {
  const RandomStream random(3, Purpose::test, what);
  std::vector<T> result;
  for (int64_t i = 0; i < n; ++i) {
    result.push_back(narrow<T>(2 * uniform01(random.word(0, static_cast<uint32_t>(i))) - 1));
  }
  return result;
}

struct Case {
  int64_t rows, c;
  bool affine, addend, active, from_output, accumulate, dropout;
  Activation activation;
  float factor;
};

double activate(Activation activation, double z) {
  return activation == Activation::relu ? std::max(z, 0.0) : z / (1 + std::exp(-z));  // ReLU, SiLU
}
double derivative(Activation activation, double z) {
  if (activation == Activation::relu) return z > 0;
  const double s = 1 / (1 + std::exp(-z));
  return s * (1 + z * (1 - s));
}

template <class T>
void check(const Case& k) {
  const int64_t n = k.rows * k.c;
  const double tolerance = std::is_same_v<T, float> ? 3e-6 : 1.2e-2;
  const std::vector<T> x = numbers<T>(n, 1), addend = numbers<T>(n, 2), dy = numbers<T>(n, 3);
  const std::vector<float> scale = numbers(k.c, 4), shift = numbers(k.c, 5), mean = numbers(k.c, 6),
                           a = numbers(k.c, 7), b = numbers(k.c, 8), offset = numbers(k.c, 9);
  Pointwise<T> p{.rows = k.rows, .c = k.c, .x = x.data()};
  if (k.affine) p.scale = scale.data(), p.shift = shift.data();
  if (k.addend) p.addend = addend.data();
  p.factor = k.factor, p.active = k.active, p.activation = k.activation;
  std::vector<uint8_t> keep(static_cast<size_t>(n / 8 + 9));
  for (size_t i = 0; i < keep.size(); ++i) keep[i] = static_cast<uint8_t>(i * 37 + 11);
  if (k.dropout) p.keep = keep.data(), p.keep_scale = 1.25f;
  std::vector<T> y(x.size());
  pointwise_forward(p, y.data());

  std::vector<T> dx = numbers<T>(n, 10), dr = numbers<T>(n, 11);
  const std::vector<T> dx_before = dx, dr_before = dr;
  const PointwiseGradient<T> how{k.from_output ? y.data() : nullptr, dy.data()};
  std::vector<float> sum_g(static_cast<size_t>(k.c), 0.5f), sum_gx(sum_g);
  pointwise_backward_sums(p, how, mean.data(), sum_g.data(), sum_gx.data());
  PointwiseTargets<T> targets{.dx = dx.data(),
                              .add_dx = k.accumulate,
                              .daddend = k.addend ? dr.data() : nullptr,
                              .add_daddend = k.accumulate};
  if (k.affine)
    targets.a = a.data(), targets.b = b.data(), targets.mean = mean.data(), targets.offset = offset.data();
  pointwise_backward_input(p, how, targets);

  std::vector<double> expect_g(static_cast<size_t>(k.c), 0.5), expect_gx(expect_g);
  for (int64_t i = 0; i < n; ++i) {
    const auto at = static_cast<size_t>(i), c = static_cast<size_t>(i % k.c);
    const double v = widen(x[at]);
    double z = k.affine ? k.factor * (v * scale[c] + shift[c]) : k.factor * v;
    if (k.addend) z += widen(addend[at]);
    const double passed = !k.dropout ? 1 : (keep[at / 8] >> at % 8 & 1) != 0 ? 1.25 : 0;
    ASSERT_NEAR(widen(y[at]), passed * (k.active ? activate(k.activation, z) : z), tolerance * 3);
    const double g = passed * widen(dy[at]) * (k.active ? derivative(k.activation, z) : 1);
    expect_g[c] += g * k.factor;
    expect_gx[c] += g * k.factor * (v - mean[c]);
    const double gradient = k.affine ? a[c] * k.factor * g + b[c] * (v - mean[c]) + offset[c] : k.factor * g;
    ASSERT_NEAR(widen(dx[at]), gradient + (k.accumulate ? widen(dx_before[at]) : 0), tolerance * 3) << i;
    const double before = k.accumulate ? widen(dr_before[at]) : 0;
    ASSERT_NEAR(widen(dr[at]), k.addend ? g + before : widen(dr_before[at]), tolerance * 3) << i;
  }
  const double sums = tolerance * static_cast<double>(k.rows);
  for (size_t c = 0; c < sum_g.size(); ++c) {
    ASSERT_NEAR(sum_g[c], expect_g[c], sums);
    ASSERT_NEAR(sum_gx[c], expect_gx[c], sums);
  }
}

TEST(Pointwise, IsWhatItSays) {
  for (const auto& [rows, c] : {std::pair<int64_t, int64_t>{1, 1}, {70, 16}, {33, 37}, {5, 48}, {2, 5000}}) {
    for (int bits = 0; bits < 128; ++bits) {
      Case k{.rows = rows,
             .c = c,
             .affine = (bits & 1) != 0,
             .addend = (bits & 2) != 0,
             .active = (bits & 4) != 0,
             .from_output = false,
             .accumulate = (bits & 8) != 0,
             .dropout = (bits & 64) != 0,
             .activation = (bits & 16) != 0 ? Activation::silu : Activation::relu,
             .factor = (bits & 32) != 0 ? 1.25f : 1.0f};
      // With an addend, ReLU's mask is only told by the output.
      k.from_output = k.active && k.activation == Activation::relu && (k.addend || c == 37);
      SCOPED_TRACE(std::to_string(rows) + " rows of " + std::to_string(c) + ", " + std::to_string(bits));
      check<float>(k);
      check<uint16_t>(k);
    }
  }
}

TEST(Pointwise, WritesGradientsOverWhatTheyAreMadeFrom) {
  constexpr int64_t rows = 20, c = 32;
  std::vector<float> x = numbers(rows * c, 1), addend = numbers(rows * c, 2), dy = numbers(rows * c, 3);
  Pointwise<float> p{.rows = rows, .c = c, .x = x.data(), .addend = addend.data(), .active = true};
  std::vector<float> y(x.size());
  pointwise_forward(p, y.data());
  std::vector<float> dx(x.size()), dr(x.size());
  pointwise_backward_input(p, {y.data(), dy.data()}, {.dx = dx.data(), .daddend = dr.data()});
  const std::vector<float> expected = dx;
  pointwise_backward_input(p, {y.data(), dy.data()}, {.dx = x.data(), .daddend = dy.data()});
  EXPECT_EQ(x, expected);
  EXPECT_EQ(dy, dr);
}

}  // namespace
}  // namespace frugal

// Activation functions against their definitions in double precision, and PyTorch's choices at kinks and
// infinities.
#include "nn/kernels/activation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "every_target.h"

namespace frugal {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr Activation all[] = {Activation::relu,        Activation::relu6,   Activation::leaky_relu,
                              Activation::elu,         Activation::gelu,    Activation::gelu_tanh,
                              Activation::silu,        Activation::mish,    Activation::hardswish,
                              Activation::hardsigmoid, Activation::sigmoid, Activation::tanh};

double normal(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }
double logistic(double z) { return 1 / (1 + std::exp(-z)); }
double gelu_u(double z) { return std::sqrt(2 / M_PI) * (z + 0.044715 * z * z * z); }

double value(Activation kind, double alpha, double z) {
  switch (kind) {
    case Activation::relu:
      return std::max(z, 0.0);
    case Activation::relu6:
      return std::clamp(z, 0.0, 6.0);
    case Activation::leaky_relu:
      return z > 0 ? z : alpha * z;
    case Activation::elu:
      return z > 0 ? z : alpha * std::expm1(z);
    case Activation::gelu:
      return z * normal(z);
    case Activation::gelu_tanh:
      return z * logistic(2 * gelu_u(z));  // as (1 + tanh u) / 2, without its cancellation
    case Activation::silu:
      return z * logistic(z);
    case Activation::mish:
      return z * std::tanh(z > 30 ? z : std::log1p(std::exp(z)));
    case Activation::hardswish:
      return z * std::clamp(z + 3, 0.0, 6.0) / 6;
    case Activation::hardsigmoid:
      return std::clamp(z + 3, 0.0, 6.0) / 6;
    case Activation::sigmoid:
      return logistic(z);
    case Activation::tanh:
      return std::tanh(z);
    case Activation::prelu:
      break;
  }
  return NAN;
}

double slope(Activation kind, double alpha, double z) {
  switch (kind) {
    case Activation::relu:
      return z > 0;
    case Activation::relu6:
      return z > 0 && z < 6;
    case Activation::leaky_relu:
      return z > 0 ? 1 : alpha;
    case Activation::elu:
      return z > 0 ? 1 : alpha * std::exp(z);
    case Activation::gelu:
      return normal(z) + z * std::exp(-z * z / 2) / std::sqrt(2 * M_PI);
    case Activation::gelu_tanh: {
      const double s = logistic(2 * gelu_u(z)), rest = logistic(-2 * gelu_u(z));
      return s + (s * rest == 0 ? 0 : z * s * rest * 2 * std::sqrt(2 / M_PI) * (1 + 3 * 0.044715 * z * z));
    }
    case Activation::silu:
      return logistic(z) * (1 + z * logistic(-z));
    case Activation::mish: {
      const double t = std::tanh(z > 30 ? z : std::log1p(std::exp(z)));
      return t + z * logistic(z) * (1 - t * t);
    }
    case Activation::hardswish:
      return z < -3 ? 0 : z > 3 ? 1 : z / 3 + 0.5;
    case Activation::hardsigmoid:
      return z > -3 && z < 3 ? 1.0 / 6 : 0;
    case Activation::sigmoid:
      return logistic(z) * logistic(-z);
    case Activation::tanh:
      return 1 / std::pow(std::cosh(z), 2);
    case Activation::prelu:
      break;
  }
  return NAN;
}

/// A fine grid around zero, then ever larger and ever smaller magnitudes down to denormals.
std::vector<float> grid() {
  std::vector<float> z = {0.0f, -0.0f};
  for (int i = -24000; i <= 24000; ++i) z.push_back(static_cast<float>(i) / 1000);
  for (int e = -149; e <= 127; ++e) {
    for (const float m : {1.0f, 1.37f, -1.0f, -1.71f}) z.push_back(std::ldexp(m, e));
  }
  return z;
}

/// How far beyond what the header allows: at most 1 is right.
double excess(double found, double expected) {
  return std::abs(found - expected) / std::max(1e-6 * std::abs(expected), 2e-7);
}

TEST(Activation, ValuesAndDerivativesAreThoseOfTheDefinition) {
  for_every_target([] {
    const std::vector<float> z = grid();
    for (const Activation kind : all) {
      for (const float alpha : {0.01f, 1.0f, -0.3f}) {
        std::vector<float> y = z, g(z.size(), 0.75f);
        activation_forward<float>(kind, alpha, y.data(), y.data(), static_cast<int64_t>(z.size()));
        activation_gradient<float>(kind, alpha, z.data(), g.data(), g.data(), static_cast<int64_t>(z.size()));
        for (size_t i = 0; i < z.size(); ++i) {
          ASSERT_LE(excess(y[i], value(kind, alpha, z[i])), 1)
              << activation_name(kind) << '(' << z[i] << ") is not " << y[i];
          ASSERT_LE(excess(g[i] / 0.75, slope(kind, alpha, z[i])), 1)
              << activation_name(kind) << "'(" << z[i] << ") is not " << g[i] / 0.75;
        }
      }
    }
  });
}

TEST(Activation, OfWhatIsStoredAsBf16GeluAloneIsShorter) {
  for_every_target([] {
    const std::vector<float> z = grid();
    const auto n = static_cast<int64_t>(z.size());
    for (const Activation kind : all) {
      std::vector<float> y = z, g(z.size(), 0.75f), y_bf16 = z, g_bf16 = g;
      activation_forward<float>(kind, 0.1f, y.data(), y.data(), n);
      activation_gradient<float>(kind, 0.1f, z.data(), g.data(), g.data(), n);
      activation_forward<uint16_t>(kind, 0.1f, y_bf16.data(), y_bf16.data(), n);
      activation_gradient<uint16_t>(kind, 0.1f, z.data(), g_bf16.data(), g_bf16.data(), n);
      if (kind != Activation::gelu) {
        EXPECT_EQ(y_bf16, y) << activation_name(kind);
        EXPECT_EQ(g_bf16, g) << activation_name(kind);
        continue;
      }
      for (size_t i = 0; i < z.size(); ++i) {
        const double expected = value(kind, 0, z[i]);
        ASSERT_NEAR(y_bf16[i], expected, std::max(8e-6, 5e-6 * std::abs(expected))) << z[i];
        ASSERT_NEAR(g_bf16[i] / 0.75, slope(kind, 0, z[i]), 5e-5) << z[i];
      }
    }
  });
}

TEST(Activation, TheTailOfTheNormalDistributionKeepsItsRelativeAccuracy) {
  for_every_target([] {
    for (float z = -12; z < -1; z += 1.0f / 64) {
      float y = z;
      activation_forward<float>(Activation::gelu, 0, &y, &y, 1);
      // Rounding z^2 / 2 moves its exponential by as much.
      EXPECT_NEAR(y / value(Activation::gelu, 0, z), 1, 4e-7 + z * z / 2 * 0x1p-23) << z;
    }
  });
}

TEST(Activation, KinksHaveThePyTorchDerivative) {
  const struct {
    Activation kind;
    float z, slope;
  } kinks[] = {{Activation::relu, 0, 0},         {Activation::relu6, 0, 0},
               {Activation::relu6, 6, 0},        {Activation::leaky_relu, 0, 0.25f},
               {Activation::elu, 0, 0.25f},      {Activation::hardswish, -3, -0.5f},
               {Activation::hardswish, 3, 1.5f}, {Activation::hardsigmoid, -3, 0},
               {Activation::hardsigmoid, 3, 0}};
  for_every_target([&] {
    for (const auto& kink : kinks) {
      float g = 1;
      activation_gradient<float>(kink.kind, 0.25f, &kink.z, &g, &g, 1);
      EXPECT_EQ(g, kink.slope) << activation_name(kink.kind) << ' ' << kink.z;
    }
  });
}

/// With what the results will be stored as, float or bf16.
template <class T>
class ActivationStoredAs : public testing::Test {};
using Stored = testing::Types<float, uint16_t>;
TYPED_TEST_SUITE(ActivationStoredAs, Stored, );

TYPED_TEST(ActivationStoredAs, NaNStaysNaN) {
  for_every_target([] {
    for (const Activation kind : all) {
      std::vector<float> z(37, 0.5f), g(37, 1.0f);
      z[3] = z[36] = std::numeric_limits<float>::quiet_NaN();
      std::vector<float> y = z;
      activation_forward<TypeParam>(kind, 1, y.data(), y.data(), 37);
      activation_gradient<TypeParam>(kind, 1, z.data(), g.data(), g.data(), 37);
      for (size_t i = 0; i < y.size(); ++i) {
        EXPECT_EQ(std::isnan(y[i]), i == 3 || i == 36) << activation_name(kind) << ' ' << i;
        EXPECT_EQ(std::isnan(g[i]), i == 3 || i == 36) << activation_name(kind) << ' ' << i;
      }
    }
  });
}

TYPED_TEST(ActivationStoredAs, InfinitiesAreWhatPyTorchMakesOfThem) {
  const auto zero_times_infinity = [](Activation kind) {
    return kind == Activation::gelu || kind == Activation::gelu_tanh || kind == Activation::silu ||
           kind == Activation::mish || kind == Activation::hardswish;
  };
  for_every_target([&] {
    for (const Activation kind : all) {
      float y[] = {-infinity, infinity}, g[] = {1, 1};
      const float z[] = {-infinity, infinity};
      activation_forward<TypeParam>(kind, 0.5f, y, y, 2);
      activation_gradient<TypeParam>(kind, 0.5f, z, g, g, 2);
      if (zero_times_infinity(kind)) {
        EXPECT_TRUE(std::isnan(y[0])) << activation_name(kind);
      } else {
        EXPECT_EQ(y[0], static_cast<float>(value(kind, 0.5, -infinity))) << activation_name(kind);
      }
      EXPECT_EQ(y[1], static_cast<float>(value(kind, 0.5, infinity))) << activation_name(kind);
      const double tolerance = std::is_same_v<TypeParam, uint16_t> && kind == Activation::gelu ? 5e-5 : 0;
      EXPECT_NEAR(g[0], static_cast<float>(slope(kind, 0.5, -1e4)), tolerance) << activation_name(kind);
      EXPECT_NEAR(g[1], static_cast<float>(slope(kind, 0.5, 1e4)), tolerance) << activation_name(kind);
    }
  });
}

TYPED_TEST(ActivationStoredAs, AnElementsBitsDoNotDependOnItsPlace) {
  for_every_target([] {
    for (const Activation kind : all) {
      std::vector<float> z(67);
      for (size_t i = 0; i < z.size(); ++i) z[i] = 0.17f * static_cast<float>(i) - 5;
      std::vector<float> y = z, g(z.size(), 1.5f);
      activation_forward<TypeParam>(kind, 0.7f, y.data(), y.data(), 67);
      activation_gradient<TypeParam>(kind, 0.7f, z.data(), g.data(), g.data(), 67);
      for (size_t i = 0; i < z.size(); ++i) {
        float alone = z[i], alone_g = 1.5f;
        activation_forward<TypeParam>(kind, 0.7f, &alone, &alone, 1);
        activation_gradient<TypeParam>(kind, 0.7f, &z[i], &alone_g, &alone_g, 1);
        ASSERT_EQ(alone, y[i]) << activation_name(kind);
        ASSERT_EQ(alone_g, g[i]) << activation_name(kind);
      }
    }
  });
}

}  // namespace
}  // namespace frugal

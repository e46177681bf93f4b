#include "base/tensor_view.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/philox.h"

namespace frugal {
namespace {

TEST(Bf16, WhatItCanHoldComesBack) {
  for (uint32_t upper = 0; upper < 0x10000; ++upper) {
    const float value = from_bf16(static_cast<uint16_t>(upper));
    if (!std::isnan(value)) {
      EXPECT_EQ(to_bf16(value), upper);
    }
  }
}

TEST(Bf16, RoundsToNearestAndTiesToEven) {
  EXPECT_EQ(to_bf16(1.0f + 0x1p-8f), 0x3F80);             // a tie, down to even
  EXPECT_EQ(to_bf16(1.0f + 3 * 0x1p-8f), 0x3F82);         // a tie, up to even
  EXPECT_EQ(to_bf16(1.0f + 0x1p-8f + 0x1p-20f), 0x3F81);  // above the tie
  EXPECT_EQ(to_bf16(-(1.0f + 0x1p-8f + 0x1p-20f)), 0xBF81);
  EXPECT_EQ(to_bf16(std::numeric_limits<float>::max()), 0x7F80);  // beyond the largest: infinity
}

TEST(Bf16, IsNeverFurtherThanItsNeighbours) {
  const RandomStream stream(1, Purpose::test);
  for (uint32_t i = 0; i < 20000; ++i) {
    const auto value = std::bit_cast<float>(stream.word(0, i));
    if (!std::isfinite(value) || std::abs(value) > 3e38f) continue;
    const uint16_t rounded = to_bf16(value);
    const auto distance = [&](uint16_t to) {
      return std::abs(static_cast<double>(from_bf16(to)) - static_cast<double>(value));
    };
    EXPECT_LE(distance(rounded), distance(static_cast<uint16_t>(rounded + 1)));
    if ((rounded & 0x7FFF) != 0) {
      EXPECT_LE(distance(rounded), distance(static_cast<uint16_t>(rounded - 1)));
    }
  }
}

TEST(Bf16, NotANumberStaysOne) { EXPECT_TRUE(std::isnan(from_bf16(to_bf16(std::nanf(""))))); }

TEST(TensorView, FindsElements) {
  std::array<float, 2 * 3 * 4 * 5> data{};
  const TensorView view = TensorView::dense(data.data(), DType::f32, {2, 3, 4, 5});
  EXPECT_EQ(view.elements(), 120);
  EXPECT_EQ(view.at(1, 2, 3, 4), &data.back());
  EXPECT_EQ(view.at(1), &data[60]);
}

}  // namespace
}  // namespace frugal

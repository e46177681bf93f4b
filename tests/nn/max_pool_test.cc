// Ties: among equal elements of a window the first wins, as in PyTorch, in both kernels that pool.
#include "nn/kernels/max_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "nn/kernels/chain.h"

namespace frugal {
namespace {

constexpr int64_t side = 4, channels = 19;  // a vector and some single lanes

TEST(MaxPool, TheFirstOfEqualsWinsInOverlappingWindows) {
  const MaxPoolShape shape{window_axis(side, 2, 3, 2, 1), window_axis(side, 2, 3, 2, 1), channels};
  const std::vector<float> x(side * side * channels, 2.0f);
  std::vector<float> y(2 * 2 * channels);
  std::vector<uint8_t> winner(y.size());
  max_pool_forward(shape, x.data(), y.data(), winner.data());
  EXPECT_THAT(y, testing::Each(2.0f));
  // Padding never wins: at the top left the first element inside is the window's centre, and so on.
  const int expected[] = {4, 3, 1, 0};
  for (size_t i = 0; i < winner.size(); ++i) ASSERT_EQ(winner[i], expected[i / channels]) << i;
}

TEST(MaxPool, EvenTheLeastNumberHasAWinnerInsideTheImage) {
  const MaxPoolShape shape{window_axis(side, 2, 3, 2, 1), window_axis(side, 2, 3, 2, 1), channels};
  const std::vector<float> x(side * side * channels, -HUGE_VALF);
  std::vector<float> y(2 * 2 * channels), dx(x.size());
  std::vector<uint8_t> winner(y.size());
  max_pool_forward(shape, x.data(), y.data(), winner.data());
  const std::vector<float> dy(y.size(), 1.0f);
  max_pool_backward(shape, dy.data(), winner.data(), dx.data(), false);
  EXPECT_EQ(std::accumulate(dx.begin(), dx.end(), 0.0f), static_cast<float>(dy.size()));
}

TEST(MaxPool, PaddingFarBeyondTheImageIsNoDanger) {
  constexpr int far = 1 << 29;
  const PoolAxis axis = window_axis(side, side + 1, 2 * far, 1, far);
  EXPECT_EQ(axis.windows[0].begin, 0);
  EXPECT_EQ(axis.windows[0].end, side);
  EXPECT_LE(axis.widest * axis.widest, 1 << 20);
  for (size_t o = 0; o < axis.windows.size(); ++o) EXPECT_LT(side - 1 - axis.origins[o], axis.widest);
}

TEST(MaxPool, TheFirstOfEqualsWinsInTheChain) {
  const ChainShape shape{.h = side, .w = side, .c = channels, .pool = 2, .relu = true};
  const std::vector<float> x(side * side * channels, 2.0f);
  std::vector<float> y(2 * 2 * channels);
  std::vector<uint8_t> winner(y.size());
  chain_forward<float>(shape, x.data(), nullptr, nullptr, nullptr, y.data(), winner.data());
  EXPECT_THAT(y, testing::Each(2.0f));
  EXPECT_THAT(winner, testing::Each(0));
}

}  // namespace
}  // namespace frugal

#include "nn/tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "nn/workers.h"

namespace frugal {
namespace {

/// Writes down the sum as a bracketed expression, so that its order shows.
std::string expression(int leaves, const std::vector<int64_t>& order, ReductionTree& tree) {
  std::vector<std::string> sums;
  for (int i = 0; i < leaves; ++i) sums.push_back(std::to_string(i));
  for (int64_t leaf : order) {
    tree.arrive(leaf, [&](int64_t left, int64_t right, int64_t end) {
      EXPECT_LE(end, leaves);
      auto& sum = sums[static_cast<size_t>(left)];
      sum = "(" + sum + "+" + sums[static_cast<size_t>(right)] + ")";
    });
  }
  return sums[0];
}

TEST(ReductionTree, IsTheBinaryTreeOverShardNumbers) {
  ReductionTree four(4), five(5), seven(7), one(1);
  EXPECT_EQ(expression(4, {3, 1, 0, 2}, four), "((0+1)+(2+3))");
  EXPECT_EQ(expression(5, {4, 0, 3, 2, 1}, five), "(((0+1)+(2+3))+4)");
  EXPECT_EQ(expression(7, {6, 5, 4, 3, 2, 1, 0}, seven), "(((0+1)+(2+3))+((4+5)+6))");
  EXPECT_EQ(expression(1, {0}, one), "0");
}

TEST(ReductionTree, SumsInTheSameOrderWhoeverComesLast) {
  std::mt19937 random(1);
  for (int leaves = 1; leaves <= 33; ++leaves) {
    std::vector<int64_t> order(static_cast<size_t>(leaves));
    std::iota(order.begin(), order.end(), 0);
    ReductionTree tree(leaves);
    const std::string first = expression(leaves, order, tree);
    for (int trial = 0; trial < 20; ++trial) {
      std::shuffle(order.begin(), order.end(), random);
      EXPECT_EQ(expression(leaves, order, tree), first)
          << leaves << " leaves: the tree is used again and again";
    }
  }
}

TEST(ReductionTree, TellsHowFarTheRightChildReaches) {
  ReductionTree tree(6);
  std::vector<std::array<int64_t, 3>> calls;
  for (int64_t leaf = 0; leaf < 6; ++leaf) {
    tree.arrive(leaf, [&](int64_t l, int64_t r, int64_t e) { calls.push_back({l, r, e}); });
  }
  EXPECT_EQ(calls,
            (std::vector<std::array<int64_t, 3>>{{0, 1, 2}, {2, 3, 4}, {0, 2, 4}, {4, 5, 6}, {0, 4, 6}}));
}

TEST(ReductionTree, SumsOnceUnderThreads) {
  Workers workers(4);
  ReductionTree tree(37);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<int64_t> sums(37, 1);
    workers.run(37, [&](int, int64_t leaf) {
      tree.arrive(leaf, [&](int64_t left, int64_t right, int64_t) {
        sums[static_cast<size_t>(left)] += sums[static_cast<size_t>(right)];
      });
    });
    ASSERT_EQ(sums[0], 37);
  }
}

}  // namespace
}  // namespace frugal

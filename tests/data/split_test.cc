#include "data/split.h"

#include "data/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"

namespace frugal {
namespace {

TEST(Split, HoldsOutTheNotebooksTenth) {
  const TrainValSplit split = split_indices(50000, 0.1, 0);
  EXPECT_EQ(split.train.size(), 45000u);
  EXPECT_EQ(split.val.size(), 5000u);
}

RC_GTEST_PROP(Split, EveryImageIsInExactlyOnePart, (uint64_t seed)) {
  const auto count = *rc::gen::inRange<int64_t>(1, 2000);
  const double fraction = *rc::gen::inRange(0, 100) / 100.0;
  const TrainValSplit split = split_indices(count, fraction, seed);
  std::vector<int32_t> all(split.train);
  all.insert(all.end(), split.val.begin(), split.val.end());
  std::ranges::sort(all);
  std::vector<int32_t> expected(static_cast<size_t>(count));
  std::iota(expected.begin(), expected.end(), 0);
  RC_ASSERT(all == expected);
  RC_ASSERT(std::ranges::is_sorted(split.val));
  RC_ASSERT(std::ranges::is_sorted(split.train));
}

TEST(Split, SizesAreWhatPeopleMean) {
  EXPECT_EQ(split_indices(100, 0.29, 0).val.size(), 29u);  // 0.29 * 100 < 29 in binary
  EXPECT_EQ(split_indices(99, 0.1, 0).val.size(), 9u);
  EXPECT_EQ(split_indices(10, 0, 0).val.size(), 0u);
  EXPECT_EQ(split_indices(1, 0.999, 0).train.size(), 1u);
}

TEST(Split, RefusesOtherFractions) {
  for (double fraction : {-0.1, 1.0, 2.0, std::numeric_limits<double>::quiet_NaN()}) {
    try {
      split_indices(100, fraction, 0);
      ADD_FAILURE() << fraction;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
    }
  }
  EXPECT_THROW(split_indices(0, 0.5, 0), Error);
}

// A split that changed would let validation images of an old run into the training of its continuation.
TEST(Split, StaysAsItIs) {
  EXPECT_THAT(split_indices(20, 0.25, 1).val, testing::ElementsAre(8, 10, 15, 18, 19));
  EXPECT_EQ(split_indices(1000, 0.1, 5).val, split_indices(1000, 0.1, 5).val);
}

TEST(Split, SeedsAreIndependent) {
  const auto a = split_indices(10000, 0.1, 1).val, b = split_indices(10000, 0.1, 2).val;
  std::vector<int32_t> both;
  std::ranges::set_intersection(a, b, std::back_inserter(both));
  EXPECT_NEAR(static_cast<double>(both.size()), 100, 40);  // four standard deviations
}

std::vector<std::string> file_names(int count) {
  std::vector<std::string> names;
  names.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) names.push_back("cat/" + std::to_string(i) + ".jpg");
  return names;
}

std::set<std::string> tested(const std::vector<std::string>& names, size_t held_out, uint64_t seed = 0) {
  std::set<std::string> chosen;
  for (const size_t i : test_files(names, held_out, seed)) chosen.insert(names[i]);
  EXPECT_EQ(chosen.size(), held_out);
  return chosen;
}

// As above: a model must not be tested by what it was trained on, however the folder has grown.
TEST(TestFiles, OneMoreOrLessMovesNoOther) {
  std::vector<std::string> names = file_names(500);
  const std::set<std::string> before = tested(names, 100);
  names.insert(names.begin(), "cat/!first.jpg");
  std::set<std::string> now = tested(names, 100);
  now.insert(before.begin(), before.end());
  EXPECT_LE(now.size(), 101u);
  names.erase(names.begin(), names.begin() + 2);
  now = tested(names, 100);
  now.insert(before.begin(), before.end());
  EXPECT_LE(now.size(), 101u);
}

TEST(TestFiles, AreDrawnBySeedAndName) {
  const std::vector<std::string> names = file_names(5000);
  const auto a = tested(names, 1000, 1), b = tested(names, 1000, 2);
  std::vector<std::string> both;
  std::ranges::set_intersection(a, b, std::back_inserter(both));
  EXPECT_NEAR(static_cast<double>(both.size()), 200, 50);  // four standard deviations
  const auto first = test_files(names, 1000, 1);
  EXPECT_TRUE(std::ranges::is_sorted(first));
  EXPECT_NEAR(static_cast<double>(std::ranges::count_if(first, [](size_t i) { return i < 2500; })), 500, 60);
}

TEST(Stratified, EveryClassHasOneWhereThereIsEnough) {
  std::vector<int32_t> labels{0, 1, 2, 3};
  labels.resize(100, 4);
  const auto taken = [&](int64_t wanted) {
    std::map<int32_t, int> counts;
    for (const int32_t id : stratified_indices(labels, wanted, 1, Purpose::select, /*every_class=*/true)) {
      ++counts[labels[static_cast<size_t>(id)]];
    }
    return counts;
  };
  using Counts = std::map<int32_t, int>;
  EXPECT_EQ(taken(5), (Counts{{0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 1}}));
  EXPECT_EQ(taken(60), (Counts{{0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 56}}));
  EXPECT_EQ(taken(4), (Counts{{4, 4}}));  // not enough
  EXPECT_EQ(stratified_indices(labels, 10, 1, Purpose::stratify).size(), 10u);
}

TEST(Stratified, WhoIsRoundedUpIsDrawn) {
  std::vector<int32_t> labels(40);  // twenty classes of two
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int32_t>(i / 2);
  std::set<std::vector<int32_t>> ways;
  std::map<int32_t, int> counts;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::vector<int32_t> of;
    for (const int32_t id : stratified_indices(labels, 10, seed, Purpose::select)) {
      of.push_back(labels[static_cast<size_t>(id)]);
      ++counts[of.back()];
    }
    ways.insert(of);
  }
  EXPECT_GT(ways.size(), 100u);
  for (const auto& [label, count] : counts) EXPECT_NEAR(count, 100, 30) << label;
}

TEST(EpochOrder, StaysAsItIs) {
  const std::vector<int32_t> ids{10, 11, 12, 13, 14, 15, 16, 17};
  EXPECT_THAT(epoch_order(ids, 1, 0), testing::ElementsAre(13, 12, 16, 17, 14, 10, 11, 15));
}

RC_GTEST_PROP(EpochOrder, IsAPermutation, (std::vector<int32_t> ids, uint64_t seed, uint32_t epoch)) {
  std::vector<int32_t> order = epoch_order(ids, seed, epoch);
  std::ranges::sort(order);
  std::ranges::sort(ids);
  RC_ASSERT(order == ids);
}

TEST(EpochOrder, SeedAndEpochMatter) {
  std::vector<int32_t> ids(1000);
  std::iota(ids.begin(), ids.end(), 0);
  const auto order = epoch_order(ids, 1, 0);
  EXPECT_EQ(order, epoch_order(ids, 1, 0));
  for (const auto& other : {epoch_order(ids, 1, 1), epoch_order(ids, 2, 0), ids}) {
    int same = 0;
    for (size_t i = 0; i < ids.size(); ++i) same += order[i] == other[i];
    EXPECT_LT(same, 8);  // one is expected
  }
}

TEST(EpochOrder, AllOrdersAreEquallyLikely) {
  const std::vector<int32_t> ids{0, 1, 2, 3, 4};
  constexpr int draws = 24000, orders = 120;
  std::map<std::vector<int32_t>, int> counts;
  for (uint32_t epoch = 0; epoch < draws; ++epoch) ++counts[epoch_order(ids, 3, epoch)];
  EXPECT_EQ(counts.size(), size_t{orders});
  double chi2 = 0;
  constexpr double expected = static_cast<double>(draws) / orders;
  for (const auto& [order, count] : counts) chi2 += std::pow(count - expected, 2) / expected;
  EXPECT_LT(chi2, 119 + 5 * std::sqrt(2 * 119));
}

}  // namespace
}  // namespace frugal

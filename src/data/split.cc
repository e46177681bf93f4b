#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <numeric>
#include <string>

#include "base/error.h"
#include "base/philox.h"
#include "data/sampler.h"

namespace frugal {
namespace {

int64_t held_out_of(int64_t count, double fraction) {
  if (!(fraction >= 0 && fraction < 1)) {
    throw usage_error("--val: " + std::to_string(fraction) +
                      " is no part of the training images; give 0 to below 1");
  }
  // 0.29 * 100 is 28.999... in binary; nobody means 28.
  const auto held_out = static_cast<int64_t>(std::floor(fraction * static_cast<double>(count) + 1e-6));
  if (held_out >= count) {
    throw usage_error("--val: " + std::to_string(fraction) + " of " + std::to_string(count) +
                      " images leaves none to train on");
  }
  return held_out;
}

}  // namespace

TrainValSplit split_indices(int64_t count, double fraction, uint64_t seed) {
  const int64_t held_out = held_out_of(count, fraction);
  std::vector<int32_t> ids(static_cast<size_t>(count));
  std::iota(ids.begin(), ids.end(), 0);
  shuffle(ids, RandomStream(seed, Purpose::split));
  TrainValSplit split{.train = {ids.begin() + held_out, ids.end()},
                      .val = {ids.begin(), ids.begin() + held_out}};
  std::ranges::sort(split.train);
  std::ranges::sort(split.val);
  return split;
}

std::vector<int32_t> test_indices(int64_t count, int64_t held_out, uint64_t seed, int32_t label) {
  std::vector<int32_t> ids(static_cast<size_t>(count));
  std::iota(ids.begin(), ids.end(), 0);
  shuffle(ids, RandomStream(seed, Purpose::split, static_cast<uint32_t>(label) + 1));
  ids.resize(static_cast<size_t>(held_out));
  std::ranges::sort(ids);
  return ids;
}

std::vector<int32_t> stratified_indices(std::span<const int32_t> labels, int64_t wanted, uint64_t seed,
                                        Purpose purpose) {
  struct Class {
    std::vector<int32_t> ids;
    int64_t taken = 0, rest = 0;
  };
  std::map<int32_t, Class> classes;
  for (size_t i = 0; i < labels.size(); ++i) classes[labels[i]].ids.push_back(static_cast<int32_t>(i));
  const auto count = static_cast<int64_t>(labels.size());
  int64_t left = wanted;
  std::vector<Class*> by_rest;
  for (auto& [label, each] : classes) {
    const int64_t share = wanted * static_cast<int64_t>(each.ids.size());
    each.taken = share / count;
    each.rest = share % count;
    left -= each.taken;
    by_rest.push_back(&each);
  }
  std::ranges::stable_sort(by_rest, std::ranges::greater{}, &Class::rest);
  for (int64_t i = 0; i < left; ++i) ++by_rest[static_cast<size_t>(i)]->taken;
  std::vector<int32_t> chosen;
  for (auto& [label, each] : classes) {
    shuffle(each.ids, RandomStream(seed, purpose, static_cast<uint32_t>(label)));
    chosen.insert(chosen.end(), each.ids.begin(), each.ids.begin() + each.taken);
  }
  std::ranges::sort(chosen);
  return chosen;
}

TrainValSplit stratified_split(std::span<const int32_t> labels, double fraction, uint64_t seed) {
  TrainValSplit split;
  const auto count = static_cast<int64_t>(labels.size());
  split.val = stratified_indices(labels, held_out_of(count, fraction), seed, Purpose::stratify);
  std::vector<int32_t> all(labels.size());
  std::iota(all.begin(), all.end(), 0);
  std::ranges::set_difference(all, split.val, std::back_inserter(split.train));
  return split;
}

}  // namespace frugal

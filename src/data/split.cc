#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <numeric>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/philox.h"
#include "data/sampler.h"

namespace frugal {
namespace {

/// Behind every label, where a class's own draws are.
constexpr uint32_t tie_layer = 0xFFFFFF;

std::vector<int32_t> shuffled(int64_t count, const RandomStream& stream) {
  std::vector<int32_t> ids(static_cast<size_t>(count));
  std::iota(ids.begin(), ids.end(), 0);
  shuffle(ids, stream);
  return ids;
}

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
  const std::vector<int32_t> ids = shuffled(count, RandomStream(seed, Purpose::split));
  TrainValSplit split{.train = {ids.begin() + held_out, ids.end()},
                      .val = {ids.begin(), ids.begin() + held_out}};
  std::ranges::sort(split.train);
  std::ranges::sort(split.val);
  return split;
}

std::vector<size_t> test_files(std::span<const std::string> names, size_t held_out, uint64_t seed) {
  std::vector<std::pair<std::string, size_t>> by_hash;
  by_hash.reserve(names.size());
  for (const std::string& name : names) {
    by_hash.emplace_back(hash_of(std::to_string(seed) + ' ' + name), by_hash.size());
  }
  std::ranges::sort(by_hash);
  std::vector<size_t> chosen;
  chosen.reserve(held_out);
  for (size_t i = 0; i < held_out; ++i) chosen.push_back(by_hash[i].second);
  std::ranges::sort(chosen);
  return chosen;
}

std::vector<int32_t> stratified_indices(std::span<const int32_t> labels, int64_t wanted, uint64_t seed,
                                        Purpose purpose, bool every_class) {
  struct Class {
    std::vector<int32_t> ids;
    int64_t taken = 0, rest = 0;
  };
  std::map<int32_t, Class> classes;
  for (size_t i = 0; i < labels.size(); ++i) classes[labels[i]].ids.push_back(static_cast<int32_t>(i));
  const auto count = static_cast<int64_t>(labels.size());
  const int64_t least = every_class && wanted >= std::ssize(classes) ? 1 : 0;
  int64_t left = wanted;
  std::vector<Class*> by_rest;
  for (const int32_t place : shuffled(std::ssize(classes), RandomStream(seed, purpose, tie_layer))) {
    Class& each = std::next(classes.begin(), place)->second;
    const int64_t share = wanted * std::ssize(each.ids), part = share / count;
    each.taken = std::max(part, least);
    each.rest = part < least ? 0 : share % count;  // it has been rounded up
    left -= each.taken;
    by_rest.push_back(&each);
  }
  std::ranges::stable_sort(by_rest, std::ranges::greater{}, &Class::rest);
  for (int64_t i = 0; i < left; ++i) ++by_rest[static_cast<size_t>(i)]->taken;
  // What small classes were given beyond their part, the largest go without.
  for (; left < 0; ++left) --(*std::ranges::max_element(by_rest, {}, &Class::taken))->taken;
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

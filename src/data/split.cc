#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/philox.h"
#include "base/text.h"

namespace frugal {
namespace {

/// Fisher-Yates from the end; element i takes word i of the stream.
void shuffle(std::vector<int32_t>& ids, const RandomStream& stream) {
  std::array<uint32_t, 4> words{};
  auto block = static_cast<uint32_t>(-1);
  for (auto i = static_cast<uint32_t>(ids.size()); i-- > 1;) {
    if (i / 4 != block) words = stream.block(0, block = i / 4);
    std::swap(ids[i], ids[uniform_below(words[i % 4], i + 1)]);
  }
}

}  // namespace

TrainValSplit split_indices(int64_t count, double fraction, uint64_t seed) {
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

std::vector<int32_t> epoch_order(std::span<const int32_t> ids, uint64_t seed, uint32_t epoch) {
  std::vector<int32_t> order(ids.begin(), ids.end());
  shuffle(order, RandomStream(seed, Purpose::shuffle, 0, epoch));
  return order;
}

}  // namespace frugal

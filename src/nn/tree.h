// The order in which everything is summed over shards: a binary tree over shard numbers, nodes [i, i + 2^k).
// It depends on the number of shards alone, so neither threads nor luck change a bit of any sum.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace frugal {

class ReductionTree {
 public:
  explicit ReductionTree(int64_t leaves) : leaves_(leaves), arrivals_(static_cast<size_t>(2 * leaves)) {}

  /// Called once for each leaf, from any thread. Whoever completes the second child of a node runs
  /// combine(left, right, end): adds leaf `right`, which holds the sum of [right, end), into leaf `left`,
  /// which holds that of [left, right). After the last leaf, leaf 0 holds everything, and the tree is ready
  /// for the next sum.
  template <class Combine>
  void arrive(int64_t leaf, Combine&& combine) {
    int64_t node = leaf;
    size_t level_start = 0;
    for (int64_t width = 1; width < leaves_; width *= 2) {
      const int64_t left = node / (2 * width) * (2 * width), right = left + width;
      if (right < leaves_) {
        std::atomic<int>& arrivals = arrivals_[level_start + static_cast<size_t>(left / (2 * width))];
        if (arrivals.fetch_add(1, std::memory_order_acq_rel) == 0) return;
        arrivals.store(0, std::memory_order_relaxed);
        combine(left, right, right + width < leaves_ ? right + width : leaves_);
      }
      node = left;
      level_start += static_cast<size_t>((leaves_ + 2 * width - 1) / (2 * width));
    }
  }

 private:
  int64_t leaves_;
  std::vector<std::atomic<int>> arrivals_;
};

}  // namespace frugal

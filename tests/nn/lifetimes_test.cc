// Buffers share memory only where their times allow it.
#include "nn/lifetimes.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace frugal {
namespace {

struct Layout {
  std::vector<BufferPlan> buffers;
  std::vector<Lifetime> lifetimes;
  ArenaSizes sizes;
};

/// Random buffers over `calls` calls in segments of random length.
Layout random_layout(int64_t shard) {
  Layout layout;
  const int calls = *rc::gen::inRange(1, 40);
  std::vector<int> segment(static_cast<size_t>(calls), 0);
  for (size_t i = 1; i < segment.size(); ++i) segment[i] = segment[i - 1] + (*rc::gen::inRange(0, 5) == 0);
  const int count = *rc::gen::inRange(1, 30);
  for (int i = 0; i < count; ++i) {
    layout.buffers.push_back({.sample_bytes = *rc::gen::inRange(1, 5000), .fixed_bytes = 0});
    Lifetime life;
    for (int touches = *rc::gen::inRange(0, 4); touches > 0; --touches) {
      const int call = *rc::gen::inRange(0, calls);
      life.touch({call, segment[static_cast<size_t>(call)]});
    }
    layout.lifetimes.push_back(life);
  }
  layout.sizes = place_buffers(layout.buffers, layout.lifetimes, shard);
  return layout;
}

bool overlap(int64_t a, int64_t a_bytes, int64_t b, int64_t b_bytes) {
  return a < b + b_bytes && b < a + a_bytes;
}

RC_GTEST_PROP(Lifetimes, NeverPutTwoLivingBuffersInOnePlace, ()) {
  constexpr int64_t shard = 7;
  const Layout l = random_layout(shard);
  for (size_t i = 0; i < l.buffers.size(); ++i) {
    if (!l.lifetimes[i].used) continue;
    const BufferPlan& a = l.buffers[i];
    const int64_t a_bytes = a.sample_bytes * (a.scope == Scope::worker ? shard : 1);
    RC_ASSERT(a.offset % 64 == 0);
    RC_ASSERT(a.offset + a_bytes <=
              (a.scope == Scope::worker ? l.sizes.worker_bytes : l.sizes.batch_sample_bytes));
    RC_ASSERT((a.scope == Scope::worker) == (l.lifetimes[i].first.segment == l.lifetimes[i].last.segment));
    for (size_t j = 0; j < i; ++j) {
      const BufferPlan& b = l.buffers[j];
      if (!l.lifetimes[j].used || a.scope != b.scope) continue;
      const int64_t b_bytes = b.sample_bytes * (b.scope == Scope::worker ? shard : 1);
      const auto time = [&](const Moment& m) { return a.scope == Scope::worker ? m.call : m.segment; };
      const bool together = time(l.lifetimes[i].first) <= time(l.lifetimes[j].last) &&
                            time(l.lifetimes[j].first) <= time(l.lifetimes[i].last);
      RC_ASSERT(!together || !overlap(a.offset, a_bytes, b.offset, b_bytes));
    }
  }
}

TEST(Lifetimes, OfAChainNeedTheTwoLargestNeighbours) {
  std::vector<BufferPlan> buffers;
  std::vector<Lifetime> lifetimes;
  for (int i = 0; i < 6; ++i) {
    buffers.push_back({.sample_bytes = 64 * (i + 1)});
    Lifetime life;
    life.touch({i, 0});
    life.touch({i + 1, 0});
    lifetimes.push_back(life);
  }
  EXPECT_EQ(place_buffers(buffers, lifetimes, 10).worker_bytes, 10 * 64 * (5 + 6));
}

TEST(Lifetimes, BatchOffsetsDoNotDependOnTheShard) {
  std::vector<BufferPlan> one = {{.sample_bytes = 100}, {.sample_bytes = 300}, {.sample_bytes = 50}};
  std::vector<Lifetime> lifetimes(3);
  for (Lifetime& life : lifetimes) life.touch({0, 0}), life.touch({1, 1});
  std::vector<BufferPlan> other = one;
  place_buffers(one, lifetimes, 3);
  place_buffers(other, lifetimes, 32);
  for (size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one[i].offset, other[i].offset);
}

}  // namespace
}  // namespace frugal

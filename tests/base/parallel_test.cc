#include "base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace frugal {
namespace {

TEST(Parallel, EveryNumberOnce) {
  for (const int threads : {0, 1, 2, 7, 100}) {
    for (const int64_t count : {0, 1, 5, 1000}) {
      std::vector<std::atomic<int>> calls(static_cast<size_t>(count));
      parallel_for(count, threads, [&](int64_t i) { ++calls[static_cast<size_t>(i)]; });
      for (const auto& n : calls) EXPECT_EQ(n, 1);
    }
  }
}

TEST(Parallel, TheLowestFailureIsTheOneThatIsTold) {
  for (const int threads : {1, 2, 3, 16}) {
    for (int round = 0; round < 50; ++round) {
      try {
        parallel_for(200, threads, [](int64_t i) {
          if (i == 11) std::this_thread::yield();  // the later one may well be first
          if (i >= 11) throw std::runtime_error(std::to_string(i));
        });
        ADD_FAILURE();
      } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "11");
      }
    }
  }
}

TEST(Parallel, ProgressIsToldOnTheCallingThread) {
  int64_t last = -1;
  const auto caller = std::this_thread::get_id();
  parallel_for(
      300, 4, [](int64_t) {},
      [&](int64_t done) {
        EXPECT_EQ(std::this_thread::get_id(), caller);
        EXPECT_GE(done, last);
        last = done;
      });
  EXPECT_EQ(last, 300);
  EXPECT_THROW(parallel_for(
                   50, 3, [](int64_t) {}, [](int64_t) { throw std::runtime_error("enough"); }),
               std::runtime_error);
}

}  // namespace
}  // namespace frugal

#include "nn/workers.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <set>
#include <stdexcept>
#include <vector>

#include "../sanitized.h"
#include "base/error.h"
#include "nn/openmp.h"

namespace frugal {
namespace {

TEST(Workers, RunEveryTaskOnce) {
  for (int threads : {1, 2, 3, 8}) {
    Workers workers(threads);
    EXPECT_EQ(workers.count(), threads);
    for (int64_t tasks : {0, 1, 2, 5, 100}) {
      for (int trial = 0; trial < 50; ++trial) {
        std::vector<std::atomic<int>> runs(static_cast<size_t>(tasks));
        workers.run(tasks, [&](int worker, int64_t task) {
          EXPECT_LT(worker, threads);
          ++runs[static_cast<size_t>(task)];
        });
        for (const auto& count : runs) ASSERT_EQ(count, 1);
      }
    }
  }
}

/// Every thread takes some megabytes of address space for its stack.
[[noreturn]] void start_too_many() {
  const rlimit little{size_t{512} << 20, size_t{512} << 20};
  setrlimit(RLIMIT_AS, &little);
  try {
    const Workers workers(1024);
  } catch (const Error& error) {
    std::fputs(error.what(), stderr);
    std::exit(1);
  }
  std::exit(0);
}

TEST(WorkersDeathTest, ThreadsThatCannotStartAreAnError) {
#ifdef FRUGAL_SANITIZED
  GTEST_SKIP() << "a sanitizer needs all of the address space";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(start_too_many(), testing::ExitedWithCode(1), "cannot start 1024 threads: .*use fewer");
}

TEST(Workers, RethrowTheFirstErrorAndGoOnWorking) {
  Workers workers(3);
  EXPECT_THROW(workers.run(50,
                           [](int, int64_t task) {
                             if (task == 17) throw std::runtime_error("17");
                           }),
               std::runtime_error);
  std::atomic<int> sum = 0;
  workers.run(10, [&](int, int64_t task) { sum += static_cast<int>(task); });
  EXPECT_EQ(sum, 45);
}

TEST(Workers, KeepOpenMPToOneThreadAndTheCallersSettingsAlone) {
  omp_set_num_threads(5);
  Workers workers(4);
  std::atomic<int> widest = 0, denormals = 0;
  workers.run(64, [&](int, int64_t) {
    if (omp_get_max_threads() > 1) ++widest;
    volatile float tiny = std::numeric_limits<float>::denorm_min();
    if (tiny * 0.5f + tiny != 0) ++denormals;
  });
  EXPECT_EQ(widest, 0);
  EXPECT_EQ(denormals, 0) << "denormals must be flushed in every worker alike";
  EXPECT_EQ(omp_get_max_threads(), 5);
  volatile float tiny = std::numeric_limits<float>::denorm_min();
  EXPECT_NE(tiny + tiny, 0);
}

}  // namespace
}  // namespace frugal

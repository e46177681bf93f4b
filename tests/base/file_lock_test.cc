#include "base/file_lock.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <thread>

#include "../temp_dir.h"
#include "base/error.h"

namespace frugal {
namespace {

TEST(FileLock, IsHeldByOne) {
  const TempDir dir;
  std::optional<FileLock> first(dir / "lock");
  FileLock second(dir / "lock");
  ASSERT_TRUE(first->try_lock());
  EXPECT_FALSE(second.try_lock());
  std::thread release([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    first.reset();
  });
  const auto begin = std::chrono::steady_clock::now();
  second.lock();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(40));
  release.join();
  EXPECT_FALSE(FileLock(dir / "lock").try_lock());
}

TEST(FileLock, SaysWhatCannotBeOpened) {
  try {
    FileLock lock("/no/such/directory/lock");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("/no/such/directory/lock: No such file"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace frugal

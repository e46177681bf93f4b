// What control groups leave, from trees of files like those of the kernel.
#include "base/memory.h"

#include <gtest/gtest.h>

#include "../temp_dir.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

struct Kernel {
  TempDir root;
  explicit Kernel(const std::string& groups) {
    write("proc/meminfo", "MemTotal: 9000 kB\nMemFree: 100 kB\nMemAvailable:    8000 kB\n");
    write("proc/self/cgroup", groups);
  }
  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root / path).parent_path());
    put(root / path, text);
  }
  int64_t available() const { return available_memory(root.path()); }
};

TEST(Memory, WithoutGroupsTheKernelsEstimateHolds) { EXPECT_EQ(Kernel("").available(), 8000 << 10); }

TEST(Memory, Version2IsTheLeastOfAllLevels) {
  const Kernel kernel("0::/job/step\n");
  kernel.write("sys/fs/cgroup/job/step/memory.max", "max\n");
  EXPECT_EQ(kernel.available(), 8000 << 10);
  kernel.write("sys/fs/cgroup/job/memory.max", "5000000\n");
  kernel.write("sys/fs/cgroup/job/memory.current", "2000000\n");
  EXPECT_EQ(kernel.available(), 3000000);
  kernel.write("sys/fs/cgroup/job/memory.stat", "anon 1\nactive_file 300000\ninactive_file 700000\n");
  EXPECT_EQ(kernel.available(), 4000000);
  kernel.write("sys/fs/cgroup/job/step/memory.max", "6000000\n");
  EXPECT_EQ(kernel.available(), 4000000);
  kernel.write("sys/fs/cgroup/job/step/memory.max", "1000\n");
  EXPECT_EQ(kernel.available(), 1000);
  kernel.write("sys/fs/cgroup/job/step/memory.current", "2000\n");
  EXPECT_EQ(kernel.available(), 0);
}

TEST(Memory, Version1) {
  const Kernel kernel("7:cpu,cpuacct:/x\n4:hugetlb,memory:/job\n0::/\n");
  kernel.write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(kernel.available(), 8000 << 10);
  kernel.write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "6000000\n");
  kernel.write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "3000000\n");
  kernel.write("sys/fs/cgroup/memory/job/memory.stat", "cache 5\ntotal_inactive_file 1000000\n");
  EXPECT_EQ(kernel.available(), 4000000);
}

TEST(Memory, AContainersGroupMayLieOutsideOfWhatIsMounted) {
  const Kernel kernel("0::/docker/0123:abc\n");
  kernel.write("sys/fs/cgroup/memory.max", "7000\n");
  EXPECT_EQ(kernel.available(), 7000);
}

TEST(Memory, ThisMachineHasSome) {
  EXPECT_GT(available_memory(), 1 << 20);
  EXPECT_GT(available_memory("/nowhere"), int64_t{1} << 60);  // unknown: no limit
}

}  // namespace
}  // namespace frugal

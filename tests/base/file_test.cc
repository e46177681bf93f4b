#include "base/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include "../temp_dir.h"
#include "base/error.h"

namespace {

// What the code under test asks of the system, in order: this program's own fsync and rename stand before
// libc's.
std::vector<std::string> calls;
bool fail_fsync = false;

}  // namespace

extern "C" int fsync(int fd) {
  struct stat status {};
  ::fstat(fd, &status);
  calls.emplace_back(S_ISDIR(status.st_mode) ? "fsync directory" : "fsync file");
  if (fail_fsync) {
    errno = EIO;
    return -1;
  }
  return 0;  // tests need no disk to turn
}

// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): stdio.h has names of its own
extern "C" int rename(const char* from, const char* to) noexcept {
  calls.emplace_back("rename");
  return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

namespace frugal {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(ReadFile, GivesEveryByte) {
  const TempDir dir;
  const std::string bytes("a\0b\r\n\xff", 6);
  put(dir / "f", bytes);
  EXPECT_EQ(read_text_file(dir / "f"), bytes);
  EXPECT_THAT(read_file(dir / "f"), ElementsAre('a', 0, 'b', '\r', '\n', 0xff));
  put(dir / "empty", std::string());
  EXPECT_TRUE(read_file(dir / "empty").empty());
}

TEST(ReadFile, NamesFileAndReason) {
  const TempDir dir;
  EXPECT_THAT([&] { read_file(dir / "absent"); },
              ThrowsMessage<Error>(AllOf(HasSubstr((dir / "absent").string()), HasSubstr("No such file"))));
  EXPECT_THAT([&] { read_file(dir.path()); }, ThrowsMessage<Error>(HasSubstr("Is a directory")));
  put(dir / "large", std::string(101, 'x'));
  EXPECT_NO_THROW(read_file(dir / "large", 101));
  EXPECT_THAT([&] { read_file(dir / "large", 100); },
              ThrowsMessage<Error>(AllOf(HasSubstr("101"), HasSubstr("100"))));
}

TEST(ReadFile, DoesNotWaitForPipesNorFillMemory) {
  const TempDir dir;
  ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);
  EXPECT_THAT([&] { read_file(dir / "pipe"); }, ThrowsMessage<Error>(HasSubstr("not a regular file")));
  EXPECT_THAT([&] { read_file("/dev/zero"); }, ThrowsMessage<Error>(HasSubstr("not a regular file")));
  put(dir / "sparse", std::string());
  std::filesystem::resize_file(dir / "sparse", uintmax_t{1} << 39);
  EXPECT_THAT([&] { read_file(dir / "sparse"); }, ThrowsMessage<Error>(HasSubstr("memory")));
}

TEST(ReadFile, Unreadable) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  const TempDir dir;
  put(dir / "f", "x");
  ::chmod((dir / "f").c_str(), 0);
  EXPECT_THAT([&] { read_file(dir / "f"); }, ThrowsMessage<Error>(HasSubstr("Permission denied")));
}

TEST(WriteFile, ReplacesAndLeavesNothingBeside) {
  const TempDir dir;
  write_file_atomic(dir / "f", "one");
  write_file_atomic(dir / "f", "two");
  EXPECT_EQ(get(dir / "f"), "two");
  EXPECT_THAT(dir.names(), ElementsAre("f"));
}

TEST(WriteFile, JoinsPieces) {
  const TempDir dir;
  const std::vector<uint8_t> a{1, 2}, b, c{3};
  const std::vector<std::span<const uint8_t>> pieces{a, b, c};
  write_file_atomic(dir / "f", pieces);
  EXPECT_EQ(get(dir / "f"), "\1\2\3");
}

TEST(WriteFile, ObeysTheUmask) {
  const TempDir dir;
  const mode_t before = ::umask(027);
  write_file_atomic(dir / "f", "x");
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat((dir / "f").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST(WriteFile, SyncsTheFileThenRenamesThenSyncsTheDirectory) {
  const TempDir dir;
  calls.clear();
  write_file_atomic(dir / "f", "x");
  EXPECT_THAT(calls, ElementsAre("fsync file", "rename", "fsync directory"));
}

TEST(WriteFile, AFailedSyncKeepsTheOldFile) {
  const TempDir dir;
  write_file_atomic(dir / "f", "old");
  fail_fsync = true;
  EXPECT_THAT([&] { write_file_atomic(dir / "f", "new"); },
              ThrowsMessage<Error>(
                  AllOf(HasSubstr("cannot write " + (dir / "f").string()), HasSubstr("Input/output"))));
  fail_fsync = false;
  EXPECT_EQ(get(dir / "f"), "old");
  EXPECT_THAT(dir.names(), ElementsAre("f"));
}

TEST(WriteFile, NamesTheReason) {
  const TempDir dir;
  EXPECT_THAT([&] { write_file_atomic(dir / "no" / "f", "x"); },
              ThrowsMessage<Error>(HasSubstr("No such file")));
  std::filesystem::create_directory(dir / "d");
  EXPECT_THAT([&] { write_file_atomic(dir / "d", "x"); }, ThrowsMessage<Error>(HasSubstr("Is a directory")));
  EXPECT_THROW(write_file_atomic("", "x"), Error);
  EXPECT_THROW(write_file_atomic(dir / "d/", "x"), Error);
  EXPECT_THAT(dir.names(), ElementsAre("d"));
}

TEST(WriteFile, PassesLeftoversBy) {
  const TempDir dir;
  const std::string leftover = ".f." + std::to_string(::getpid()) + ".tmp";
  put(dir / leftover, "left by a process that was killed");
  write_file_atomic(dir / "f", "x");
  EXPECT_EQ(get(dir / "f"), "x");
  EXPECT_EQ(get(dir / leftover), "left by a process that was killed");
}

/// A write that does not fit keeps the old file and leaves nothing else.
void expect_refused(const std::filesystem::path& directory, size_t bytes, const std::string& reason) {
  EXPECT_THAT(
      [&] { write_file_atomic(directory / "f", std::string(bytes, 'n')); },
      ThrowsMessage<Error>(testing::EndsWith("cannot write " + (directory / "f").string() + ": " + reason)));
  EXPECT_EQ(get(directory / "f"), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory), {}), 1);
}

TEST(WriteFile, FileSizeLimit) {
  const TempDir dir;
  write_file_atomic(dir / "f", "old");
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{.rlim_cur = 1 << 16, .rlim_max = limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  expect_refused(dir.path(), 1 << 17, "File too large");
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, before);
}

TEST(WriteFile, FullDisk) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "disk");
  if (::mount("none", (dir / "disk").c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "may not mount a small tmpfs";
  }
  write_file_atomic(dir / "disk" / "f", "old");
  expect_refused(dir / "disk", 1 << 17, "No space left on device");
  ::umount((dir / "disk").c_str());
}

}  // namespace
}  // namespace frugal

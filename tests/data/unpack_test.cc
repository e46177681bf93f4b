// Archives that are not what they should be.
#include "data/unpack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../archives.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const StopFlag go{0};

class Unpack : public testing::Test {
 protected:
  Unpack() { fs::create_directory(scratch / "into"); }
  int64_t run(const std::vector<TarEntry>& entries, const UnpackLimits& limits = {}) const {
    write_tar_gz(scratch / "a.tar.gz", entries);
    return unpack(scratch / "a.tar.gz", scratch / "into", limits, go);
  }
  void expect_refused(const std::vector<TarEntry>& entries, const std::string& why,
                      const UnpackLimits& limits = {}) const {
    try {
      run(entries, limits);
      ADD_FAILURE() << "unpacked, where it should say: " << why;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(why));
      EXPECT_THAT(error.what(), HasSubstr("a.tar.gz"));
    }
  }
  const TempDir scratch;
};

TEST_F(Unpack, FilesComeOutAsTheyWere) {
  const std::string large(3'000'000, 'x');
  EXPECT_EQ(run({{.path = "./d/", .type = AE_IFDIR},
                 {.path = "d/a", .bytes = large},
                 {.path = "e/b", .bytes = ""}}),
            2);
  EXPECT_EQ(get(scratch / "into/d/a"), large);
  EXPECT_TRUE(fs::exists(scratch / "into/e/b"));
}

TEST_F(Unpack, NothingLeadsOut) {
  expect_refused({{.path = "../escaped", .bytes = "x"}}, "leads out of its folder");
  expect_refused({{.path = "a/../../escaped", .bytes = "x"}}, "leads out of its folder");
  expect_refused({{.path = "../gone/", .type = AE_IFDIR}}, "leads out of its folder");
  const std::string absolute = (scratch / "escaped").string();
  expect_refused({{.path = absolute, .bytes = "x"}}, "is absolute");
  EXPECT_FALSE(fs::exists(scratch / "escaped"));
  EXPECT_FALSE(fs::exists(scratch / "gone"));
}

TEST_F(Unpack, LinksAndDevicesAreRefused) {
  put(scratch / "secret", std::string("before"));
  const std::string outside = scratch.path().string();
  expect_refused(
      {{.path = "l", .type = AE_IFLNK, .symlink = outside}, {.path = "l/secret", .bytes = "after"}},
      "neither a file nor a directory");
  expect_refused({{.path = "h", .hardlink = outside + "/secret"}}, "neither a file nor a directory");
  expect_refused({{.path = "fifo", .type = AE_IFIFO}}, "neither a file nor a directory");
  expect_refused({{.path = "device", .type = AE_IFCHR}}, "neither a file nor a directory");
  EXPECT_EQ(get(scratch / "secret"), "before");
  EXPECT_TRUE(fs::is_empty(scratch / "into"));
}

TEST_F(Unpack, BombsStopAtTheLimits) {
  const std::string megabyte(1 << 20, '\0');
  expect_refused({{.path = "a", .bytes = megabyte}, {.path = "b", .bytes = megabyte}}, "unpacks to more than",
                 {.bytes = (3 << 20) / 2});
  EXPECT_LE(fs::file_size(scratch / "into/b"), megabyte.size() / 2);
  fs::remove_all(scratch / "into");
  fs::create_directory(scratch / "into");
  std::vector<TarEntry> many;
  many.reserve(11);
  for (int i = 0; i < 11; ++i) many.push_back({.path = std::to_string(i)});
  expect_refused(many, "more than 10 entries", {.entries = 10});
}

TEST_F(Unpack, AFileThatComesTwiceIsRefused) {
  expect_refused({{.path = "a", .bytes = "first"}, {.path = "./a", .bytes = "second"}}, "comes twice");
  EXPECT_EQ(get(scratch / "into/a"), "first");
}

TEST_F(Unpack, DamageIsSaid) {
  expect_refused({{.path = "d/", .type = AE_IFDIR}}, "no file in it");
  std::string noise;
  for (uint32_t i = 0, x = 1; i < 300'000; ++i)
    noise += static_cast<char>((x = x * 1664525u + 1013904223u) >> 24);
  write_tar_gz(scratch / "whole.tar.gz", {{.path = "noise", .bytes = noise}});
  const std::string whole = get(scratch / "whole.tar.gz");
  std::string flipped = whole;
  flipped[40] = static_cast<char>(flipped[40] ^ 0x55);
  for (const std::string& bytes :
       {whole.substr(0, whole.size() / 2), std::string("plain text"), std::string(), flipped}) {
    fs::remove_all(scratch / "into");
    fs::create_directory(scratch / "into");
    put(scratch / "b.tar.gz", bytes);
    EXPECT_THROW(unpack(scratch / "b.tar.gz", scratch / "into", {}, go), Error) << bytes.size();
  }
}

TEST_F(Unpack, StopsWhenAsked) {
  write_tar_gz(scratch / "a.tar.gz", {{.path = "a", .bytes = "x"}});
  const StopFlag stop{2};
  EXPECT_THROW(unpack(scratch / "a.tar.gz", scratch / "into", {}, stop), Interrupted);
}

}  // namespace
}  // namespace frugal

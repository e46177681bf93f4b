// Zip files that unpack to more than they are, or are not what they say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include "../temp_dir.h"
#include "base/error.h"
#include "interop/zip_archive.h"
#include "pickles.h"

namespace frugal {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

void expect_refused(const std::filesystem::path& path, const std::string& message) {
  EXPECT_THAT([&] { const ZipArchive archive(path); },
              ThrowsMessage<Error>(AllOf(HasSubstr(path.string()), HasSubstr(message))));
}

std::string read_all(const ZipArchive& archive, const std::string& name) {
  const size_t entry = archive.find(name).value();
  std::string text(static_cast<size_t>(archive.entries()[entry].size), '\0');
  archive.read(entry, {reinterpret_cast<uint8_t*>(text.data()), text.size()});
  return text;
}

TEST(Zip, ComesBackAligned) {
  const TempDir dir;
  const std::string large(100'000, 'x');
  put_zip(dir / "f", {{"a/b", "content"}, {"a/large", large}, {"empty", ""}});
  const ZipArchive archive(dir / "f");
  EXPECT_EQ(archive.entries().size(), 3u);
  EXPECT_EQ(read_all(archive, "a/b"), "content");
  EXPECT_EQ(read_all(archive, "a/large"), large);
  EXPECT_EQ(read_all(archive, "empty"), "");
  EXPECT_FALSE(archive.find("b").has_value());
  const std::string bytes = get(dir / "f");
  EXPECT_EQ(bytes.find("content") % 64, 0u);
  EXPECT_EQ(bytes.find(large) % 64, 0u);
}

TEST(Zip, CompressedEntriesAreRefused) {
  const TempDir dir;
  const std::string zeros(10 << 20, '\0');  // into some ten kilobytes
  int code = 0;
  zip_t* archive = zip_open((dir / "f").c_str(), ZIP_CREATE, &code);
  ASSERT_NE(archive, nullptr);
  zip_file_add(archive, "archive/data.pkl", zip_source_buffer(archive, zeros.data(), zeros.size(), 0), 0);
  ASSERT_EQ(zip_close(archive), 0);
  ASSERT_LT(get(dir / "f").size(), 100'000u);
  expect_refused(dir / "f", "entry 'archive/data.pkl' of the zip file is compressed");
}

/// The file with `count` bytes at `offset` behind the `which`-th central header replaced.
std::string with_central_field(std::string bytes, size_t which, size_t offset, uint64_t value, int count) {
  size_t at = bytes.find("PK\x01\x02");
  for (; which > 0; --which) at = bytes.find("PK\x01\x02", at + 1);
  return bytes.replace(at + offset, static_cast<size_t>(count), little_endian(value, count));
}

TEST(Zip, OverlappingEntriesAreRefused) {
  const TempDir dir;
  put_zip(dir / "inner", {{"b", std::string(5000, 'x')}});
  const std::string inner = get(dir / "inner").substr(0, 64 + 5000);
  // Entry a holds all of entry b, header included, and the directory points b there.
  put_zip(dir / "f", {{"a", inner}, {"b", ""}});
  std::string bytes = get(dir / "f");
  bytes = with_central_field(bytes, 1, 42, bytes.find(inner), 4);
  for (const size_t size_at : {20, 24}) bytes = with_central_field(bytes, 1, size_at, 5000, 4);
  bytes.replace(bytes.rfind("PK\x01\x02") + 16, 4, inner, 14, 4);  // its checksum
  put(dir / "f", bytes);
  expect_refused(dir / "f", "overlap");
}

TEST(Zip, NamesThatComeTwiceAreRefused) {
  const TempDir dir;
  put_zip(dir / "f", {{"same", "a"}, {"same", "b"}});
  expect_refused(dir / "f", "two entries have the same name");
}

TEST(Zip, ClaimsAreHeldAgainstTheFile) {
  const TempDir dir;
  put_zip(dir / "f", {{"name", "content"}});
  const std::string good = get(dir / "f");
  const auto refused = [&](const std::string& bytes) {
    put(dir / "f", bytes);
    EXPECT_THROW(
        {
          const ZipArchive archive(dir / "f");
          read_all(archive, "name");
        },
        Error);
  };
  refused(with_central_field(good, 0, 24, 0xfffffff0, 4));  // size
  refused(with_central_field(with_central_field(good, 0, 24, 0xfffffff0, 4), 0, 20, 0xfffffff0, 4));
  refused(with_central_field(good, 0, 42, 1 << 20, 4));  // place
  refused(with_central_field(good, 0, 8, 1, 2));         // encrypted
  refused(with_central_field(good, 0, 16, 1, 4));        // checksum
  std::string changed = good;
  changed[good.find("content")] ^= 1;
  refused(changed);
}

TEST(Zip, ChangedContentIsNoticed) {
  const TempDir dir;
  put_zip(dir / "f", {{"name", "content"}});
  std::string bytes = get(dir / "f");
  bytes[bytes.find("content")] ^= 1;
  put(dir / "f", bytes);
  const ZipArchive archive(dir / "f");
  EXPECT_THAT([&] { read_all(archive, "name"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("'name'"), HasSubstr("CRC"))));
}

}  // namespace
}  // namespace frugal

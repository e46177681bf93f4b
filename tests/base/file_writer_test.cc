#include "base/file_writer.h"

#include <gtest/gtest.h>

#include "../temp_dir.h"
#include "base/error.h"

namespace frugal {
namespace {

std::span<const uint8_t> bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST(FileWriter, WritesPieceByPieceAndGoesOn) {
  const TempDir dir;
  FileWriter first(dir / "f", FileWriter::Start::create);
  first.write(bytes("one "));
  first.write(bytes("two "));
  EXPECT_EQ(first.size(), 8);
  first.finish();
  FileWriter second(dir / "f", FileWriter::Start::append);
  EXPECT_EQ(second.size(), 8);
  second.write(bytes("three"));
  second.finish();
  EXPECT_EQ(get(dir / "f"), "one two three");
}

TEST(FileWriter, NeverWritesThroughALinkOrOverAFile) {
  const TempDir dir;
  put(dir / "f", std::string("mine"));
  std::filesystem::create_symlink(dir / "f", dir / "link");
  EXPECT_THROW(FileWriter(dir / "f", FileWriter::Start::create), Error);
  EXPECT_THROW(FileWriter(dir / "link", FileWriter::Start::create), Error);
  EXPECT_THROW(FileWriter(dir / "link", FileWriter::Start::append), Error);
  EXPECT_THROW(FileWriter(dir / "none" / "f", FileWriter::Start::append), Error);
  EXPECT_EQ(get(dir / "f"), "mine");
}

}  // namespace
}  // namespace frugal

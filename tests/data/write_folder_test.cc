#include "data/write_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "../temp_dir.h"
#include "base/error.h"
#include "data/selection.h"

namespace frugal {
namespace {

class WriteFolder : public testing::Test {
 protected:
  WriteFolder() { select(data_, {.classes = "bear,0-2"}); }
  const TempDir scratch_;
  Dataset data_ = load_dataset(FRUGAL_SOURCE_DIR "/data/cifar100-mini");
};

/// By pixels and class; the order within a class is that of the split.
std::multimap<std::string, std::vector<uint8_t>> by_class(const Dataset& data, const ImageSet& images) {
  std::multimap<std::string, std::vector<uint8_t>> all;
  for (int64_t i = 0; i < images.count; ++i) {
    const uint8_t* first = images.image(i);
    all.emplace(data.classes[static_cast<size_t>(images.labels[static_cast<size_t>(i)])],
                std::vector<uint8_t>(first, first + images.image_bytes()));
  }
  return all;
}

TEST_F(WriteFolder, ComesBackPixelByPixel) {
  write_folder(data_, scratch_ / "set");
  const Dataset back = load_dataset((scratch_ / "set").string());
  EXPECT_EQ(back.classes.size(), 4u);
  EXPECT_EQ(back.train.count, 200);
  EXPECT_EQ(by_class(back, back.train), by_class(data_, data_.train));
  EXPECT_EQ(by_class(back, back.test), by_class(data_, data_.test));
}

TEST_F(WriteFolder, OverwritesNothing) {
  std::filesystem::create_directory(scratch_ / "empty");
  write_folder(data_, scratch_ / "empty");
  EXPECT_THROW(write_folder(data_, scratch_ / "empty"), Error);
}

TEST_F(WriteFolder, ChangesNamesThatAreNoDirectories) {
  data_.classes = {"T-shirt/top", "..", "", "bear"};
  write_folder(data_, scratch_ / "set");
  const Dataset back = load_dataset((scratch_ / "set").string());
  EXPECT_THAT(back.classes, testing::UnorderedElementsAre("T-shirt_top", "_..", "_", "bear"));
  EXPECT_EQ(back.train.count, 200);
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "set/train/T-shirt"));
}

TEST_F(WriteFolder, RefusesTwoClassesInOneDirectory) {
  data_.classes = {"a/b", "bear", "cow", "a_b"};
  EXPECT_THAT([&] { write_folder(data_, scratch_ / "set"); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("'a_b'")));
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "set"));
}

}  // namespace
}  // namespace frugal

#include "data/sheets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "fixtures.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path mini = fs::path(FRUGAL_SOURCE_DIR) / "data/cifar100-mini";

TEST(Mini, HoldsATenthOfEveryClass) {
  const Dataset data = load_dataset(mini);
  ASSERT_EQ(data.train.count, 5000);
  ASSERT_EQ(data.test.count, 1000);
  ASSERT_EQ(data.classes.size(), 100u);
  ASSERT_EQ(data.coarse_classes.size(), 20u);
  std::map<int32_t, int> train, test;
  for (int32_t label : data.train.labels) ++train[label];
  for (int32_t label : data.test.labels) ++test[label];
  for (int32_t label = 0; label < 100; ++label) {
    EXPECT_EQ(train[label], 50);
    EXPECT_EQ(test[label], 10);
  }
  EXPECT_EQ(data.classes[0], "apple");
  EXPECT_EQ(data.coarse_classes[static_cast<size_t>(data.train.coarse_labels[0])], "fruit_and_vegetables");
  // Any hundred in a row hold every class once.
  EXPECT_EQ(std::set<int32_t>(data.train.labels.begin() + 250, data.train.labels.begin() + 350).size(), 100u);
}

// Results on it are quoted in documents and compared between machines.
TEST(Mini, StaysAsItIs) { EXPECT_EQ(load_dataset(mini).fingerprint, "6d84c19c454e5d5f38db7d978fba523f"); }

TEST(Mini, FitsIntoARepository) {
  uintmax_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(mini)) {
    EXPECT_LT(entry.file_size(), 2u << 20) << entry.path();
    bytes += entry.file_size();
  }
  EXPECT_LT(bytes, 15000000u);
}

std::string key(const ImageSet& images, int64_t i) {
  Hasher hasher;
  hasher.update({images.image(i), static_cast<size_t>(images.image_bytes())});
  const auto at = static_cast<size_t>(i);
  return hasher.hex() + " " + std::to_string(images.labels[at]) + " " +
         std::to_string(images.coarse_labels[at]);
}

TEST(Mini, IsALosslessPartOfTheFullSet) {
  const auto path = full_cifar100();
  if (!path) GTEST_SKIP() << "no CIFAR-100 here; set FRUGAL_DATA to the directory that holds cifar100/";
  const Dataset full = load_dataset(*path), part = load_dataset(mini);
  EXPECT_EQ(part.classes, full.classes);
  EXPECT_EQ(part.coarse_classes, full.coarse_classes);
  for (auto set : {&Dataset::train, &Dataset::test}) {
    std::set<std::string> all;
    for (int64_t i = 0; i < (full.*set).count; ++i) all.insert(key(full.*set, i));
    for (int64_t i = 0; i < (part.*set).count; ++i) ASSERT_TRUE(all.contains(key(part.*set, i))) << i;
  }
}

/// The first ten classes alone: one sheet.
void make_sheet(const fs::path& directory) {
  fs::copy_file(mini / "sheet-0.png", directory / "sheet-0.png", fs::copy_options::overwrite_existing);
  std::string names;
  for (int i = 0; i < 10; ++i) names += "class" + std::to_string(i) + (i % 2 == 0 ? " even\n" : " odd\n");
  put(directory / "classes.txt", names);
}

void expect_refused(const fs::path& directory, const std::string& file) {
  EXPECT_THAT([&] { load_dataset(directory); },
              testing::ThrowsMessage<Error>(HasSubstr((directory / file).string())));
}

TEST(Sheets, AnyNumberOfThem) {
  const TempDir dir;
  make_sheet(dir.path());
  const Dataset data = load_dataset(dir.path());
  EXPECT_EQ(data.train.count, 500);
  EXPECT_THAT(data.coarse_classes, testing::ElementsAre("even", "odd"));
  EXPECT_EQ(data.train.labels[13], 3);
  EXPECT_EQ(data.train.coarse_labels[13], 1);
  put(dir / "classes.txt", std::string("a x\nb y\n"));
  EXPECT_EQ(load_dataset(dir.path()).test.count, 20);
}

TEST(Sheets, FaultsNameTheFile) {
  const TempDir dir;
  make_sheet(dir.path());
  const std::string good = get(dir / "sheet-0.png");
  // Cut short anywhere, also within the last checksum.
  for (size_t size : {size_t{0}, size_t{7}, size_t{8}, size_t{20}, size_t{33}, size_t{60}, good.size() / 2,
                      good.size() - 20}) {
    SCOPED_TRACE(size);
    put(dir / "sheet-0.png", good.substr(0, size));
    expect_refused(dir.path(), "sheet-0.png");
  }
  // One byte changed in the pixels: the checksum of PNG notices.
  for (size_t at = 100; at < good.size() - 100; at += good.size() / 20) {
    SCOPED_TRACE(at);
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    put(dir / "sheet-0.png", bad);
    expect_refused(dir.path(), "sheet-0.png");
  }
  put(dir / "sheet-0.png", std::string("GIF89a"));
  expect_refused(dir.path(), "sheet-0.png");
  fs::remove(dir / "sheet-0.png");
  expect_refused(dir.path(), "sheet-0.png");

  make_sheet(dir.path());
  put(dir / "classes.txt", get(dir / "classes.txt") + "one more\n");
  expect_refused(dir.path(), "sheet-1.png");
  put(dir / "classes.txt", std::string("apple\n"));
  expect_refused(dir.path(), "classes.txt");
  put(dir / "classes.txt", std::string());
  expect_refused(dir.path(), "classes.txt");
}

}  // namespace
}  // namespace frugal

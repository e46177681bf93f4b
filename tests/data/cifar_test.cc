#include "data/cifar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "fixtures.h"

namespace frugal {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

void expect_pixels(const ImageSet& images, int64_t first_record) {
  ASSERT_EQ(images.pixels.size(), static_cast<size_t>(images.count * 3072));
  for (int64_t n = 0; n < images.count; ++n) {
    for (int64_t y = 0; y < 32; ++y) {
      for (int64_t x = 0; x < 32; ++x) {
        for (int64_t c = 0; c < 3; ++c) {
          ASSERT_EQ(images.image(n)[(y * 32 + x) * 3 + c], fixture_pixel(first_record + n, y, x, c));
        }
      }
    }
  }
}

TEST(Cifar100, ReadsLabelsAndTurnsPlanesIntoPixels) {
  const TempDir dir;
  make_cifar100(dir.path());
  const Dataset data = load_dataset(dir.path());
  EXPECT_THAT(data.classes, ElementsAre("apple", "bear", "can"));
  EXPECT_THAT(data.coarse_classes, ElementsAre("things", "beings"));
  EXPECT_EQ(data.train.count, 4);
  EXPECT_THAT(data.train.labels, ElementsAre(0, 1, 2, 0));
  EXPECT_THAT(data.train.coarse_labels, ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(data.test.labels, ElementsAre(1, 2));
  EXPECT_EQ(data.name, dir.path());
  expect_pixels(data.train, 0);
  expect_pixels(data.test, 4);
}

TEST(Cifar10, JoinsTheFiveFiles) {
  const TempDir dir;
  make_cifar10(dir.path());
  const Dataset data = load_dataset(dir.path());
  EXPECT_THAT(data.classes, ElementsAre("airplane", "bird", "cat"));
  EXPECT_TRUE(data.coarse_classes.empty());
  EXPECT_THAT(data.train.labels, ElementsAre(0, 1, 2, 0, 1));
  EXPECT_TRUE(data.train.coarse_labels.empty());
  EXPECT_THAT(data.test.labels, ElementsAre(2));
  expect_pixels(data.train, 0);
  expect_pixels(data.test, 5);
}

TEST(Cifar, ArchivesMayLieUnpackedInside) {
  const TempDir dir;
  make_cifar100(dir / "cifar-100-binary");
  EXPECT_EQ(load_dataset(dir.path()).train.count, 4);
  const TempDir other;
  make_cifar10(other / "cifar-10-batches-bin");
  EXPECT_EQ(load_dataset(other.path()).train.count, 5);
}

TEST(Cifar, EveryByteIsInTheFingerprint) {
  const TempDir dir;
  make_cifar100(dir.path());
  const std::string before = load_dataset(dir.path()).fingerprint;
  EXPECT_EQ(before, load_dataset(dir.path()).fingerprint);
  for (size_t at : {size_t{0}, size_t{1}, size_t{2}, size_t{3074 * 2 - 1}}) {
    make_cifar100(dir.path());
    std::string test = get(dir / "test.bin");
    test[at] = static_cast<char>(test[at] ^ 1);
    if (at == 1) test[at] = 0;  // the next label up would be out of range
    put(dir / "test.bin", test);
    EXPECT_NE(before, load_dataset(dir.path()).fingerprint) << at;
  }
}

struct Fault {
  const char* name;
  std::function<void(const std::filesystem::path&)> make;
  std::vector<std::string> message;
};

void expect_faults(void (*make)(const std::filesystem::path&), const std::vector<Fault>& faults) {
  for (const Fault& fault : faults) {
    SCOPED_TRACE(fault.name);
    const TempDir dir;
    make(dir.path());
    fault.make(dir.path());
    try {
      load_dataset(dir.path());
      ADD_FAILURE() << "loaded";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::failed);
      for (const std::string& part : fault.message) EXPECT_THAT(error.what(), HasSubstr(part));
    }
  }
}

/// Overwrites byte `at` of a file.
auto poke(const char* file, size_t at, char value) {
  return [=](const std::filesystem::path& dir) {
    std::string bytes = get(dir / file);
    bytes[at] = value;
    put(dir / file, bytes);
  };
}
auto replace(const char* file, const std::string& text) {
  return [=](const std::filesystem::path& dir) { put(dir / file, text); };
}
auto lose(const char* file) {
  return [=](const std::filesystem::path& dir) { std::filesystem::remove(dir / file); };
}
auto resize(const char* file, uintmax_t size) {
  return [=](const std::filesystem::path& dir) { std::filesystem::resize_file(dir / file, size); };
}
auto become_directory(const char* file) {
  return [=](const std::filesystem::path& dir) {
    std::filesystem::remove(dir / file);
    std::filesystem::create_directory(dir / file);
  };
}

TEST(Cifar100, FaultsNameFileAndRecord) {
  expect_faults(
      make_cifar100,
      {{"cut short",
        resize("train.bin", 4 * 3074 - 1),
        {"train.bin", "12,295 bytes are 3 records", "cut short"}},
       {"a byte more", resize("test.bin", 2 * 3074 + 1), {"test.bin", "and 1 bytes more"}},
       {"less than a record", resize("test.bin", 10), {"test.bin", "0 records"}},
       {"empty", resize("train.bin", 0), {"train.bin", "empty"}},
       {"absurdly large", resize("train.bin", uintmax_t{3074} << 30), {"train.bin", "at most"}},
       {"missing training images", lose("train.bin"), {"train.bin", "No such file"}},
       {"missing test images", lose("test.bin"), {"test.bin", "No such file"}},
       {"missing names", lose("fine_label_names.txt"), {"fine_label_names.txt", "No such file"}},
       {"missing coarse names", lose("coarse_label_names.txt"), {"coarse_label_names.txt", "No such file"}},
       {"no names", replace("fine_label_names.txt", " \n\n"), {"fine_label_names.txt", "0 names"}},
       {"too many names",
        replace(
            "fine_label_names.txt", std::string(1000, '\n') +
                                        [] {
                                          std::string text;
                                          for (int i = 0; i < 257; ++i) text += "x\n";
                                          return text;
                                        }()),
        {"fine_label_names.txt", "257 names"}},
       {"images for names", resize("fine_label_names.txt", 2 << 20), {"fine_label_names.txt", "at most"}},
       {"wrong class",
        poke("train.bin", 2 * 3074 + 1, 3),
        {"train.bin", "record 2 (at byte 6148)", "class label 3", "only 3 names"}},
       {"class 255", poke("test.bin", 1, '\xff'), {"test.bin", "record 0", "label 255"}},
       {"wrong coarse class", poke("train.bin", 3074, 2), {"train.bin", "record 1", "coarse label 2"}},
       {"a directory for a file", become_directory("train.bin"), {"train.bin", "Is a directory"}}});
}

TEST(Cifar10, FaultsNameFileAndRecord) {
  expect_faults(make_cifar10,
                {{"cut short", resize("data_batch_3.bin", 3072), {"data_batch_3.bin", "cut short"}},
                 {"missing", lose("data_batch_5.bin"), {"data_batch_5.bin", "No such file"}},
                 {"missing test", lose("test_batch.bin"), {"test_batch.bin", "No such file"}},
                 {"missing names", lose("batches.meta.txt"), {"batches.meta.txt", "No such file"}},
                 {"wrong class", poke("data_batch_2.bin", 0, 3), {"data_batch_2.bin", "record 0", "label 3"}},
                 // CIFAR-100's records under CIFAR-10's names
                 {"other layout",
                  replace("test_batch.bin", fixture_record(0, "ab")),
                  {"test_batch.bin", "another layout"}}});
}

TEST(Cifar, UnreadableFile) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  const TempDir dir;
  make_cifar100(dir.path());
  std::filesystem::permissions(dir / "train.bin", std::filesystem::perms::none);
  EXPECT_THAT([&] { load_dataset(dir.path()); },
              ThrowsMessage<Error>(AllOf(HasSubstr("train.bin"), HasSubstr("Permission denied"))));
}

TEST(Cifar100, TheRealOne) {
  const auto path = full_cifar100();
  if (!path) GTEST_SKIP() << "no CIFAR-100 here; set FRUGAL_DATA to the directory that holds cifar100/";
  const Dataset data = load_dataset(*path);
  EXPECT_EQ(data.train.count, 50000);
  EXPECT_EQ(data.test.count, 10000);
  ASSERT_EQ(data.classes.size(), 100u);
  EXPECT_EQ(data.coarse_classes.size(), 20u);
  EXPECT_EQ(data.classes[0], "apple");
  EXPECT_EQ(data.classes[99], "worm");
  EXPECT_EQ(std::ranges::count(data.train.labels, 42), 500);
  const Normalization n = measure_normalization(data.train);
  EXPECT_THAT(n.mean,
              ElementsAre(testing::FloatNear(0.50707516f, 1e-7f), testing::FloatNear(0.48654887f, 1e-7f),
                          testing::FloatNear(0.44091784f, 1e-7f)));
  EXPECT_THAT(n.std,
              ElementsAre(testing::FloatNear(0.26733429f, 1e-7f), testing::FloatNear(0.25643846f, 1e-7f),
                          testing::FloatNear(0.27615047f, 1e-7f)));
}

}  // namespace
}  // namespace frugal

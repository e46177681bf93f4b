// Folders of pictures: layouts, sizes, what is left aside and what is refused.
#include "data/folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "data/image_file.h"
#include "data/resize.h"
#include "folder_fixture.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

/// What a folder of flat pictures was read as: "train/label:red" for each image.
std::vector<std::string> images_of(const Dataset& data) {
  std::vector<std::string> images;
  for (const auto& [set, name] : {std::pair{&data.train, "train "}, {&data.test, "test "}}) {
    for (int64_t i = 0; i < set->count; ++i) {
      images.push_back(name + std::to_string(set->labels[static_cast<size_t>(i)]) + ":" +
                       std::to_string(int{set->image(i)[0]}));
    }
  }
  return images;
}

TEST(Folder, TrainAndTest) {
  const TempDir dir;
  flat(dir / "train/cat/b.png", 2);
  flat(dir / "train/cat/a.PNG", 1);
  flat(dir / "train/Ant/x.png", 3);
  flat(dir / "test/cat/t.png", 4);
  flat(dir / "test/Ant/t.png", 5);
  Warnings warnings;
  const Dataset data = load_dataset(dir.path(), warnings.options());
  EXPECT_THAT(data.classes, ElementsAre("Ant", "cat"));  // by their bytes
  EXPECT_THAT(images_of(data), ElementsAre("train 0:3", "train 1:1", "train 1:2", "test 0:5", "test 1:4"));
  EXPECT_EQ(data.train.channels, 3);
  EXPECT_EQ(data.train.height, 6);
  EXPECT_EQ(data.train.width, 8);
  EXPECT_THAT(warnings.all, IsEmpty());
}

TEST(Folder, SplitsMayBeCalledOtherwise) {
  for (const auto& [train, test] : {std::pair{"training", "testing"},
                                    {"Train", "VAL"},
                                    {"train", "valid"},
                                    {"train", "validation"},
                                    {"TRAIN", "Test"}}) {
    const TempDir dir;
    flat(dir / train / "a/1.png", 1);
    flat(dir / train / "b/1.png", 2);
    flat(dir / test / "a/1.png", 3);
    flat(dir / test / "b/1.png", 4);
    EXPECT_THAT(images_of(load_dataset(dir.path())),
                ElementsAre("train 0:1", "train 1:2", "test 0:3", "test 1:4"));
  }
}

TEST(Folder, TestComesBeforeValAndThatIsSaid) {
  const TempDir dir;
  for (const char* split : {"train", "val", "test"}) {
    flat(dir / split / "a/1.png", split[1]);
    flat(dir / split / "b/1.png", split[1] + 1);
  }
  Warnings warnings;
  EXPECT_THAT(images_of(load_dataset(dir.path(), warnings.options())), Contains("test 0:101"));
  EXPECT_THAT(warnings.all, ElementsAre(AllOf(HasSubstr("val: left aside"), HasSubstr("--val"))));
}

TEST(Folder, WithoutATestSplitAFifthOfEachClassIsDrawn) {
  for (const std::string prefix : {"", "train/"}) {
    const TempDir dir;
    for (int i = 0; i < 10; ++i) flat(dir / (prefix + "a/" + std::to_string(i) + ".png"), i);
    for (int i = 10; i < 13; ++i) flat(dir / (prefix + "b/" + std::to_string(i) + ".png"), i);
    flat(dir / (prefix + "c/only.png"), 99);
    Warnings warnings;
    const Dataset data = load_dataset(dir.path(), warnings.options());
    EXPECT_EQ(std::ranges::count(data.test.labels, 0), 2);
    EXPECT_EQ(std::ranges::count(data.test.labels, 1), 1);
    EXPECT_EQ(std::ranges::count(data.test.labels, 2), 0);
    EXPECT_THAT(warnings.all, ElementsAre(HasSubstr("1 class has no test images: 'c'")));
    std::set<int> seen;
    for (const auto& image : images_of(data)) seen.insert(std::stoi(image.substr(image.find(':') + 1)));
    EXPECT_EQ(seen.size(), 14u);  // every picture once
    EXPECT_EQ(images_of(data), images_of(load_dataset(dir.path())));
    EXPECT_NE(images_of(data), images_of(load_dataset(dir.path(), {.split_seed = 3})));
    EXPECT_EQ(load_dataset(dir.path(), {.test_fraction = 0.5}).test.count, 7);
  }
}

TEST(Folder, APictureMoreMakesNoTrainingPictureOfATestPicture) {
  const TempDir dir;
  for (int i = 0; i < 40; ++i) flat(dir / ("a/" + std::to_string(100 + i) + ".png"), i);
  const auto tested = [&] {
    std::set<int> reds;
    const Dataset data = load_dataset(dir.path());
    for (int64_t i = 0; i < data.test.count; ++i) reds.insert(data.test.image(i)[0]);
    return reds;
  };
  std::set<int> before = tested();
  EXPECT_EQ(before.size(), 8u);
  flat(dir / "a/0-first.png", 200);
  flat(dir / "A class before/1.png", 201);
  flat(dir / "A class before/2.png", 202);
  std::set<int> after = tested();
  for (const int added : {200, 201, 202}) after.erase(added);
  before.insert(after.begin(), after.end());
  EXPECT_LE(before.size(), 9u);
}

TEST(Folder, AFileThatIsCalledAsAnotherLayoutsIsLeftAside) {
  const TempDir dir;
  for (const char* name : {"a", "b"}) {
    flat(dir / name / "1.png", 1);
    flat(dir / name / "2.png", 2);
  }
  put(dir / "classes.txt", std::string("a\nb\n"));
  Warnings warnings;
  EXPECT_THAT(load_dataset(dir.path(), warnings.options()).classes, ElementsAre("a", "b"));
  EXPECT_THAT(warnings.all, ElementsAre(HasSubstr("classes.txt: left aside")));
}

TEST(Folder, AClassIsNamedInUtf8) {
  const TempDir dir;
  flat(dir / "train/caf\xC3\xA9/1.png", 1);
  flat(dir / "train/caf\xC3\xA9/2.png", 2);
  EXPECT_THAT(load_dataset(dir.path()).classes, ElementsAre("caf\xC3\xA9"));
  flat(dir / "train/th\xE9/1.png", 3);
  EXPECT_THAT([&] { load_dataset(dir.path()); },
              ThrowsMessage<Error>(AllOf(HasSubstr("train/th\xE9"), HasSubstr("UTF-8"))));
}

TEST(Folder, AClassMayBeCalledTrain) {
  const TempDir dir;
  for (const char* name : {"train", "plane"}) {
    flat(dir / name / "1.png", 1);
    flat(dir / name / "2.png", 2);
  }
  EXPECT_THAT(load_dataset(dir.path()).classes, ElementsAre("plane", "train"));
}

TEST(Folder, PicturesOfOneSmallSizeKeepIt) {
  const TempDir dir;
  flat(dir / "train/a/1.png", 1, 64, 48);
  flat(dir / "train/b/1.png", 2, 64, 48);
  flat(dir / "test/a/1.png", 3, 64, 48);
  const auto size = [&](const LoadOptions& options = {}) {
    const Dataset data = load_dataset(dir.path(), options);
    EXPECT_EQ(data.test.height, data.train.height);
    return std::pair{data.train.height, data.train.width};
  };
  EXPECT_EQ(size(), (std::pair<int64_t, int64_t>{64, 48}));
  EXPECT_EQ(size({.image_size = ImageSize{20, 30}}), (std::pair<int64_t, int64_t>{20, 30}));
  flat(dir / "test/b/1.png", 4, 64, 47);
  EXPECT_EQ(size(), (std::pair<int64_t, int64_t>{64, 64}));
  for (const char* path : {"train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png"}) {
    flat(dir / path, 1, 65, 48);
  }
  EXPECT_EQ(size(), (std::pair<int64_t, int64_t>{64, 64}));
}

TEST(Folder, EveryKindOfFileGoesTheWayThatPredictGoes) {
  const TempDir dir;
  put_file(dir / "train/a/1.jpg", make_jpeg(50, 30, 3, JCS_RGB, false, make_exif(6, true)));
  put_file(dir / "train/a/2.jpeg", make_jpeg(31, 40, 1, JCS_GRAYSCALE, true));
  put_file(dir / "train/b/1.png", make_png(2, 1, 16, PNG_COLOR_TYPE_RGB, Bytes(12, 77)));
  put_file(dir / "train/b/2.png", make_png(2, 1, 8, PNG_COLOR_TYPE_PALETTE, {1, 0}, {{9, 8, 7}, {1, 2, 3}}));
  put_file(dir / "train/b/3.png", make_png(2, 1, 8, PNG_COLOR_TYPE_GRAY_ALPHA, {5, 255, 5, 0}));
  put_file(dir / "test/a/1.png", make_jpeg(64, 64, 3, JCS_RGB));  // the content counts, not the name
  const Dataset data = load_dataset(dir.path(), {.image_size = ImageSize{12, 9}});
  const std::vector<const char*> files = {"train/a/1.jpg", "train/a/2.jpeg", "train/b/1.png", "train/b/2.png",
                                          "train/b/3.png"};
  ASSERT_EQ(data.train.count, 5);
  for (size_t i = 0; i < files.size(); ++i) {
    std::vector<uint8_t> expected(12 * 9 * 3);
    fit(read_image(dir / files[i], 3), 12, 9, expected.data());
    const uint8_t* image = data.train.image(static_cast<int64_t>(i));
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), image)) << files[i];
  }
}

TEST(Folder, TheNumberOfThreadsChangesNothing) {
  const TempDir dir;
  for (int i = 0; i < 60; ++i) {
    const std::string name = std::to_string(i);
    flat(dir / ("c" + std::to_string(i % 4)) / (name + ".png"), i, 20 + i, 30);
  }
  const Dataset one = load_dataset(dir.path(), {.threads = 1});
  for (const int threads : {2, 3, 8}) {
    EXPECT_EQ(load_dataset(dir.path(), {.threads = threads}).fingerprint, one.fingerprint);
  }
}

TEST(Folder, TheFirstBrokenPictureIsNamed) {
  const TempDir dir;
  for (int i = 10; i < 40; ++i) flat(dir / ("train/a/" + std::to_string(i) + ".png"), i);
  flat(dir / "test/a/1.png", 1);
  for (const int broken : {17, 18, 33})
    put(dir / ("train/a/" + std::to_string(broken) + ".png"), "not a picture");
  put(dir / "train/a/30.png", "");
  for (const int threads : {1, 2, 4}) {
    EXPECT_THAT([&] { load_dataset(dir.path(), {.threads = threads}); },
                ThrowsMessage<Error>(
                    AllOf(HasSubstr("train/a/17.png: neither a PNG nor a JPEG"), HasSubstr("--skip-bad"))));
    Warnings warnings;
    LoadOptions options = warnings.options();
    options.skip_bad = true;
    options.threads = threads;
    const Dataset data = load_dataset(dir.path(), options);
    EXPECT_EQ(data.train.count, 26);
    EXPECT_EQ(data.train.labels.size(), 26u);
    EXPECT_EQ(data.train.image(7)[0], 19);  // what follows the hole moves up
    EXPECT_THAT(warnings.all,
                Contains(AllOf(HasSubstr("4 broken pictures"), HasSubstr("train/a/17.png: neither"),
                               HasSubstr("train/a/30.png: the file is empty"))));
  }
}

TEST(Folder, CmykIsRefusedByName) {
  const TempDir dir;
  put_file(dir / "a/1.jpg", make_jpeg(8, 8, 4, JCS_CMYK));
  flat(dir / "a/2.png", 1);
  EXPECT_THAT([&] { load_dataset(dir.path()); },
              ThrowsMessage<Error>(AllOf(HasSubstr("a/1.jpg"), HasSubstr("CMYK"))));
}

TEST(Folder, NothingReadableIsAnErrorEvenWhenSkipping) {
  const TempDir dir;
  put_file(dir / "train/a/1.png", {1, 2, 3});
  flat(dir / "test/a/1.png", 1);
  EXPECT_THAT([&] { load_dataset(dir.path(), {.skip_bad = true}); },
              ThrowsMessage<Error>(HasSubstr("not one of its training pictures")));
}

TEST(Folder, WhatIsNoPictureIsLeftAsideAndSaid) {
  const TempDir dir;
  flat(dir / "a/1.png", 1);
  flat(dir / "a/2.png", 2);
  flat(dir / "b/1.png", 3);
  flat(dir / "b/deep/er/2.png", 4);
  flat(dir / "b/.hidden.png", 5);
  flat(dir / ".git/x.png", 6);
  flat(dir / "__MACOSX/x.png", 6);
  put(dir / "a/notes.txt", std::string("x"));
  put(dir / "readme.md", std::string("x"));
  Warnings warnings;
  const Dataset data = load_dataset(dir.path(), warnings.options());
  EXPECT_EQ(data.train.count + data.test.count, 4);
  EXPECT_THAT(data.classes, ElementsAre("a", "b"));
  EXPECT_THAT(warnings.all, ElementsAre(AllOf(HasSubstr("readme.md and 1 more"), HasSubstr("left aside"))));
}

TEST(Folder, WhatLiesBesideTheSplitsIsLeftAsideAndSaid) {
  const TempDir dir;
  for (const char* split : {"train", "test"}) flat(dir / split / "a/1.png", split[1]);
  flat(dir / "b/1.png", 3);
  put(dir / "readme.md", std::string("x"));
  put(dir / "test/notes.txt", std::string("x"));
  put(dir / "train/notes.txt", std::string("x"));
  fs::create_symlink("/nowhere", dir / "train/c");
  Warnings warnings;
  EXPECT_THAT(load_dataset(dir.path(), warnings.options()).classes, ElementsAre("a"));
  EXPECT_THAT(warnings.all,
              ElementsAre(AllOf(HasSubstr("readme.md and 2 more"), HasSubstr("by their names")),
                          HasSubstr("train/c: left aside: a link to what is not there"),
                          HasSubstr("/b: left aside: a directory beside"), HasSubstr("one class only")));
}

TEST(Folder, LinksAreFollowedAndLoopsEnd) {
  const TempDir dir, elsewhere;
  flat(elsewhere / "pictures/1.png", 1);
  flat(dir / "a/2.png", 2);
  flat(dir / "a/3.png", 3);
  fs::create_directory_symlink(elsewhere / "pictures", dir / "b");
  flat(elsewhere / "pictures/more/4.png", 4);
  fs::create_directory_symlink("..", elsewhere / "pictures/more/loop");
  fs::create_directory_symlink(".", dir / "a/self");
  Warnings warnings;
  const Dataset data = load_dataset(dir.path(), warnings.options());
  EXPECT_EQ(data.train.count + data.test.count, 4);
  EXPECT_THAT(warnings.all, ElementsAre(AllOf(HasSubstr("1 more"), HasSubstr("read already"))));
}

TEST(Folder, WhatIsNoRegularFileIsABrokenPicture) {
  const TempDir dir;
  flat(dir / "a/1.png", 1);
  flat(dir / "a/2.png", 2);
  ASSERT_EQ(::mkfifo((dir / "a/0.png").c_str(), 0600), 0);
  EXPECT_THAT([&] { load_dataset(dir.path()); },
              ThrowsMessage<Error>(HasSubstr("a/0.png: not a regular file")));
  fs::remove(dir / "a/0.png");
  fs::create_symlink("nowhere", dir / "a/0.png");
  EXPECT_THAT([&] { load_dataset(dir.path()); }, ThrowsMessage<Error>(HasSubstr("a/0.png: No such file")));
  EXPECT_EQ(load_dataset(dir.path(), {.skip_bad = true, .split_seed = 1}).train.count, 1);
}

TEST(Folder, MistakesOfLayoutAreNamed) {
  const auto refused = [](const fs::path& path) { return [=] { load_dataset(path); }; };
  {
    const TempDir dir;
    fs::create_directories(dir / "a");
    EXPECT_THAT(refused(dir.path()), ThrowsMessage<Error>(HasSubstr("no pictures")));
    flat(dir / "a/1.png", 1);
    EXPECT_THAT(refused(dir.path()), ThrowsMessage<Error>(HasSubstr("none to test with")));
  }
  {
    const TempDir dir;
    flat(dir / "train/a/1.png", 1);
    flat(dir / "test/b/1.png", 1);
    EXPECT_THAT(refused(dir.path()), ThrowsMessage<Error>(AllOf(HasSubstr("test/b"), HasSubstr("lacks"))));
  }
  {
    const TempDir dir;
    flat(dir / "test/b/1.png", 1);
    EXPECT_THAT(refused(dir.path()), ThrowsMessage<Error>(HasSubstr("no train directory")));
  }
  {
    const TempDir dir;
    flat(dir / "train/a/1.png", 1);
    flat(dir / "test/1.png", 1);
    EXPECT_THAT(refused(dir.path()), ThrowsMessage<Error>(HasSubstr("no directories of classes")));
  }
}

TEST(Folder, OneClassEmptyClassesAndDuplicatesAreToldOf) {
  const TempDir dir;
  flat(dir / "train/a/1.png", 1);
  flat(dir / "train/a/2.png", 2);
  flat(dir / "test/a/other.png", 2);
  Warnings warnings;
  load_dataset(dir.path(), warnings.options());
  EXPECT_THAT(warnings.all, ElementsAre(AllOf(HasSubstr("1 of the 1 test pictures"),
                                              HasSubstr("test/a/other.png is train/a/2.png")),
                                        HasSubstr("one class only")));
  fs::create_directories(dir / "train/b");
  Warnings more;
  load_dataset(dir.path(), more.options());
  EXPECT_THAT(more.all, Contains(HasSubstr("1 class has no training images: 'b'")));
  EXPECT_THAT(more.all, Contains(HasSubstr("1 class has no test images: 'b'")));
}

TEST(Folder, MemoryIsLookedAtBeforeAnythingIsDecoded) {
  const TempDir dir;
  for (int i = 0; i < 20; ++i) flat(dir / ("a/" + std::to_string(i) + ".png"), i);
  put(dir / "a/broken.png", std::string("would be named if it were decoded"));
  EXPECT_THAT(
      [&] {
        load_dataset(dir.path(), {.image_size = ImageSize{1000, 1000}, .memory = 1 << 20});
      },
      ThrowsMessage<Error>(AllOf(HasSubstr("21 images of 3 x 1000 x 1000"), HasSubstr("60.1 MiB"),
                                 HasSubstr("only 1.0 MiB"), HasSubstr("--image-size"))));
  fs::remove(dir / "a/broken.png");
  EXPECT_NO_THROW(load_dataset(dir.path(), {.memory = 1 << 20}));
}

TEST(Folder, AnUnreadableDirectoryIsNamed) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  const TempDir dir;
  flat(dir / "a/1.png", 1);
  fs::permissions(dir / "a", fs::perms::none);
  EXPECT_THAT([&] { load_dataset(dir.path()); },
              ThrowsMessage<Error>(AllOf(HasSubstr((dir / "a").string()), HasSubstr("Permission denied"))));
  fs::permissions(dir / "a", fs::perms::owner_all);
}

TEST(ImageSizeText, IsANumberOrTwo) {
  EXPECT_EQ(parse_image_size("auto", "--image-size"), std::nullopt);
  EXPECT_EQ(parse_image_size("48", "--image-size"), (ImageSize{48, 48}));
  EXPECT_EQ(parse_image_size("48x64", "--image-size"), (ImageSize{48, 64}));
  for (const char* text :
       {"", "0", "-4", "4x", "x4", "4097", "4x4x4", "4,4", "12.5", "99999999999999999999"}) {
    try {
      parse_image_size(text, "--image-size");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      EXPECT_THAT(error.what(), HasSubstr("--image-size"));
    }
  }
}

}  // namespace
}  // namespace frugal

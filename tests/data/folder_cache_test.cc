// The second start of a folder: when pixels are taken from the cache, when they must not be, and damage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "base/error.h"
#include "base/safetensors.h"
#include "data/decoded_cache.h"
#include "data/folder.h"
#include "data/locate.h"
#include "data/picture_index.h"
#include "folder_fixture.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FolderCache : public testing::Test {
 protected:
  FolderCache() {
    for (int i = 0; i < 6; ++i) flat(folder / ("train/a/" + std::to_string(i) + ".png"), i);
    flat(folder / "train/b/1.png", 40);
    flat(folder / "test/a/1.png", 50);
    flat(folder / "test/b/1.png", 60);
  }

  /// Loads; `decoded` then says how many pictures were decoded for it, `looked_at` how many files were read.
  Dataset load(const fs::path& from, LoadOptions options = {}) {
    decoded = looked_at = 0;
    warnings.all.clear();
    options.on_warning = warnings.options().on_warning;
    options.cache_root = cache.path();
    options.progress = [&](const std::string& what, int64_t, int64_t total) {
      (what == "decoding pictures" ? decoded : looked_at) = total;
    };
    return load_dataset(from, options);
  }
  Dataset load(LoadOptions options = {}) { return load(folder, std::move(options)); }

  std::vector<fs::path> kept(const std::string& ending = ".safetensors") const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(cache / "decoded")) {
      if (entry.path().extension() == ending) files.push_back(entry.path());
    }
    return files;
  }

  const TempDir dir, cache;
  const fs::path folder = dir / "set";
  Warnings warnings;
  int64_t decoded = 0, looked_at = 0;
};

TEST_F(FolderCache, TheSecondStartDecodesNothingAndIsTheSame) {
  const Dataset first = load();
  EXPECT_EQ(decoded, 9);
  const Dataset second = load();
  EXPECT_EQ(decoded, 0);
  EXPECT_EQ(second.fingerprint, first.fingerprint);
  EXPECT_EQ(second.train.pixels, first.train.pixels);
  EXPECT_EQ(second.test.pixels, first.test.pixels);
  EXPECT_EQ(second.train.labels, first.train.labels);
  EXPECT_EQ(second.classes, first.classes);
  EXPECT_THAT(warnings.all, IsEmpty());
  EXPECT_EQ(load_dataset(folder).fingerprint, first.fingerprint);  // without any cache
}

TEST_F(FolderCache, ACopyOrATouchHits) {
  const std::string fingerprint = load().fingerprint;
  fs::copy(folder, dir / "copy", fs::copy_options::recursive);
  EXPECT_EQ(load(dir / "copy").fingerprint, fingerprint);
  EXPECT_EQ(decoded, 0);
  fs::last_write_time(folder / "train/a/1.png", fs::file_time_type::clock::now());
  EXPECT_EQ(load().fingerprint, fingerprint);
  EXPECT_EQ(decoded, 0);
}

TEST_F(FolderCache, AChangeOfContentMissesEvenWithTheSameSizeAndTime) {
  load();
  const fs::path file = folder / "train/a/1.png";
  std::this_thread::sleep_for(std::chrono::milliseconds(2200));
  load();  // now the index vouches for every file
  ASSERT_EQ(decoded, 0);
  const auto time = fs::last_write_time(file);
  const auto size = fs::file_size(file);
  flat(file, 77);
  ASSERT_EQ(fs::file_size(file), size);
  fs::last_write_time(file, time);
  const Dataset data = load();
  EXPECT_EQ(data.train.image(1)[0], 77);
  EXPECT_EQ(decoded, 9);
}

TEST_F(FolderCache, FilesThatRestAreNotReadAgain) {
  load();
  EXPECT_EQ(looked_at, 9);
  std::this_thread::sleep_for(std::chrono::milliseconds(2200));
  load();
  EXPECT_EQ(looked_at, 9);  // they were too young to be vouched for
  load();
  EXPECT_EQ(looked_at, 0);
  flat(folder / "train/a/7.png", 7);
  load();
  EXPECT_EQ(looked_at, 1);
}

TEST_F(FolderCache, EverythingThatChangesPixelsMisses) {
  load();
  load({.image_size = ImageSize{6, 8}});  // what "auto" came to
  EXPECT_EQ(decoded, 0);
  load({.image_size = ImageSize{8, 6}});
  EXPECT_EQ(decoded, 9);
  fs::rename(folder / "train/a/1.png", folder / "train/a/9.png");
  load();
  EXPECT_EQ(decoded, 9);
  fs::rename(folder / "train/a/9.png", folder / "train/b/9.png");
  EXPECT_EQ(load().train.labels.back(), 1);
  EXPECT_EQ(decoded, 9);
  fs::remove(folder / "train/b/9.png");
  EXPECT_EQ(load().train.count, 6);
  EXPECT_EQ(decoded, 8);
  fs::create_directories(folder / "train/A");  // an empty class moves the numbers of the others
  EXPECT_EQ(load().train.labels.front(), 1);
  EXPECT_EQ(decoded, 8);
}

TEST_F(FolderCache, SkippedPicturesAreToldOfAgain) {
  put(folder / "train/a/2.png", std::string("broken"));
  const std::string fingerprint = load({.skip_bad = true}).fingerprint;
  const auto first = warnings.all;
  EXPECT_EQ(load({.skip_bad = true}).fingerprint, fingerprint);
  EXPECT_EQ(decoded, 0);
  EXPECT_EQ(warnings.all, first);
  EXPECT_THAT(first, ElementsAre(AllOf(HasSubstr("1 broken picture "), HasSubstr("train/a/2.png"))));
  EXPECT_THROW(load(), Error);  // what was kept is for those who skip
}

TEST_F(FolderCache, EveryDamagedByteIsNoticedAndMended) {
  const std::string fingerprint = load().fingerprint;
  ASSERT_EQ(kept().size(), 1u);
  const fs::path file = kept()[0];
  const std::string whole = get(file);
  const size_t header = whole.size() - (7 + 2) * (6 * 8 * 3 + 4);
  for (size_t i = 0; i < whole.size(); i += i < header ? 13 : 331) {
    SCOPED_TRACE(i);
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    put(file, damaged);
    EXPECT_EQ(load().fingerprint, fingerprint);
    EXPECT_EQ(decoded, 9);
    EXPECT_THAT(warnings.all, ElementsAre(AllOf(HasSubstr(file.string()), HasSubstr("decoded again"))));
  }
  for (const size_t length : {size_t{0}, size_t{5}, header, whole.size() - 1}) {
    put(file, whole.substr(0, length));
    EXPECT_EQ(load().fingerprint, fingerprint);
    EXPECT_EQ(decoded, 9);
  }
  load();
  EXPECT_EQ(decoded, 0);  // mended
}

TEST_F(FolderCache, ADamagedIndexIsNoticedAndMended) {
  const std::string fingerprint = load().fingerprint;
  const fs::path file = picture_index_file(cache.path(), folder);
  const std::string whole = get(file);
  for (size_t i = 0; i < whole.size(); i += 17) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    put(file, damaged);
    EXPECT_EQ(load().fingerprint, fingerprint);
    EXPECT_EQ(looked_at, 9);
    EXPECT_THAT(warnings.all, ElementsAre(AllOf(HasSubstr(file.string()), HasSubstr("looked at again"))));
  }
}

TEST_F(FolderCache, AFileOfAnotherKeySizeOrKindIsNotBelieved) {
  const Dataset data = load();
  const fs::path file = kept()[0];
  const std::string key = file.stem();
  EXPECT_NO_THROW(read_decoded(file, key, {6, 8}, 2));
  EXPECT_THROW(read_decoded(file, std::string(32, '0'), {6, 8}, 2), Error);
  EXPECT_THROW(read_decoded(file, key, {8, 6}, 2), Error);
  EXPECT_THROW(read_decoded(file, key, {6, 8}, 1), Error);  // a label of 1
  SafetensorsFile stored = read_safetensors(file);
  const auto rewritten = [&](auto&& change) {
    auto metadata = stored.metadata;
    auto tensors = stored.tensors;
    change(metadata, tensors);
    write_safetensors(cache / "x.safetensors", metadata, tensors);
    return [&] { read_decoded(cache / "x.safetensors", key, {6, 8}, 2); };
  };
  EXPECT_NO_THROW(rewritten([](auto&, auto&) {})());
  EXPECT_THROW(rewritten([](auto& m, auto&) { m["kind"] = "else"; })(), Error);
  EXPECT_THROW(rewritten([](auto& m, auto&) { m["skipped"] = "[1]"; })(), Error);
  EXPECT_THROW(rewritten([](auto&, auto& t) { t.pop_back(); })(), Error);
  EXPECT_THROW(rewritten([](auto&, auto& t) { t[0].shape = {7, 1, 6 * 8, 3}; })(), Error);
  EXPECT_THROW(rewritten([](auto&, auto& t) { t[0].shape = {21, 6, 8, 1}; })(), Error);
  EXPECT_THROW(rewritten([](auto&, auto& t) { t[0].shape = {7 * 6 * 8 * 3}; })(), Error);
}

TEST_F(FolderCache, WhatNobodyReadForAMonthIsRemoved) {
  const auto age = [](const fs::path& path, int days) {
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(24 * days));
  };
  load();
  const fs::path first = kept().at(0);
  age(first, 40);
  load();  // and is young again
  put(cache / "decoded/.killed.safetensors.123.tmp", std::string("x"));
  age(cache / "decoded/.killed.safetensors.123.tmp", 40);
  put(cache / "decoded/.at-work.safetensors.124.tmp", std::string("x"));
  flat(folder / "train/b/2.png", 41);
  load();
  EXPECT_EQ(kept().size(), 2u);
  EXPECT_FALSE(fs::exists(cache / "decoded/.killed.safetensors.123.tmp"));
  EXPECT_TRUE(fs::exists(cache / "decoded/.at-work.safetensors.124.tmp"));
  age(first, 40);
  flat(folder / "train/b/3.png", 42);
  load();
  EXPECT_FALSE(fs::exists(first));
  EXPECT_EQ(kept().size(), 2u);
}

TEST_F(FolderCache, AFileThatCannotBeReadIsToldOfEachTime) {
  fs::create_symlink("nowhere", folder / "train/a/9.png");
  load({.skip_bad = true});
  EXPECT_THAT(warnings.all, Contains(HasSubstr("next start will decode every picture again")));
}

TEST_F(FolderCache, ADataSetIsNotMistakenForIt) {
  const ScopedEnv home("HOME", cache.path().c_str());
  fs::create_directories(cache / ".cache/frugal/decoded");
  EXPECT_THAT([] { locate_dataset("decoded"); }, testing::ThrowsMessage<Error>(HasSubstr("no data set")));
}

TEST_F(FolderCache, WhereItCannotBeWrittenLoadingGoesOn) {
  put(cache / "decoded", std::string("a file where the directory should be"));
  EXPECT_EQ(load().train.count, 7);
  EXPECT_THAT(warnings.all, ElementsAre(HasSubstr("next start")));
}

}  // namespace
}  // namespace frugal

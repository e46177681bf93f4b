// Data sets, whole and broken in every way that a disk or a download breaks them: each a clear message.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "program.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

/// Both commands that read data must refuse alike; nothing may be left behind by `train`.
void expect_refused(const TempDir& scratch, const std::string& words, int code = 1) {
  const fs::path data = scratch / "set";
  const Outcome looked = frugal({"data", data.string()});
  EXPECT_EQ(looked.code, code) << looked.err;
  EXPECT_THAT(looked.err, AllOf(StartsWith("frugal: "), HasSubstr(words)));
  const Outcome trained = frugal(quick_train(data, scratch / "run"));
  EXPECT_EQ(trained.code, code) << trained.err;
  EXPECT_EQ(trained.err, looked.err);
  EXPECT_FALSE(fs::exists(scratch / "run"));
}

TEST(Data, TellsWhatASetHolds) {
  const TempDir scratch;
  write_cifar100(scratch / "set");
  const Outcome text = frugal({"data", (scratch / "set").string()});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("256 training, 100 test"), HasSubstr("3 x 32 x 32"),
                              HasSubstr("class_99"), HasSubstr("mean"), HasSubstr("fingerprint")));
  const auto lines = json_lines(frugal({"data", (scratch / "set").string(), "--json"}).out);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["train"], 256);
  EXPECT_EQ(lines[0]["test"], 100);
  EXPECT_EQ(lines[0]["classes"].size(), 100u);
  EXPECT_EQ(lines[0]["mean"].size(), 3u);
  EXPECT_EQ(lines[0]["train_per_class"][0], 3);
}

TEST(Data, DrawsASheetThatIsAPng) {
  const TempDir scratch;
  write_cifar100(scratch / "set");
  const fs::path sheet = scratch / "sheet.png";
  const Outcome outcome = frugal({"data", (scratch / "set").string(), "--sheet", sheet.string()});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(read_text(sheet), StartsWith("\x89PNG"));
  EXPECT_EQ(frugal({"data", (scratch / "set").string(), "--sheet", "/nonexistent/sheet.png"}).code, 2);
  put(scratch / "notes", "not to be lost");
  EXPECT_EQ(frugal({"data", (scratch / "set").string(), "--sheet", (scratch / "notes").string()}).code, 2);
  EXPECT_EQ(read_text(scratch / "notes"), "not to be lost");
}

TEST(Data, ShowsWhatAugmentationMakesOfImages) {
  const TempDir scratch;
  write_cifar100(scratch / "set");
  const auto sheet = [&](const char* list, const char* file) {
    return frugal(
        {"data", (scratch / "set").string(), "--augment", list, "--sheet", (scratch / file).string()});
  };
  EXPECT_EQ(sheet("none", "none.png").code, 0);
  EXPECT_EQ(sheet("flip,crop:4,jitter:0.2,cutmix", "some.png").code, 0);
  EXPECT_THAT(read_text(scratch / "some.png"), StartsWith("\x89PNG"));
  EXPECT_NE(read_text(scratch / "some.png"), read_text(scratch / "none.png"));
  const Outcome nowhere = frugal({"data", (scratch / "set").string(), "--augment", "flip"});
  EXPECT_EQ(nowhere.code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("--sheet"));
  EXPECT_EQ(sheet("translate:40", "x.png").code, 2);
  EXPECT_FALSE(fs::exists(scratch / "x.png"));
  EXPECT_THAT(frugal({"data", "--help"}).out, HasSubstr("randaugment"));
}

TEST(Data, TheEmbeddedSetIsFound) {
  const auto lines = json_lines(frugal({"data", "cifar100-mini", "--json"}).out);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["train"], 5000);
  EXPECT_EQ(lines[0]["test"], 1000);
  EXPECT_EQ(lines[0]["classes"][0], "apple");
}

TEST(Data, UnknownNamesListTheKnown) {
  const Outcome outcome = frugal({"data", "cifar1000"});
  EXPECT_EQ(outcome.code, 2) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("cifar100-mini"));
}

TEST(Data, AKnownNameThatIsNowhereListsThePlaces) {
  const TempDir scratch;
  const Outcome outcome = frugal(
      {"data", "cifar10"},
      {.environment = {"FRUGAL_DATA=" + (scratch / "data").string(), "HOME=" + scratch.path().string()}});
  EXPECT_EQ(outcome.code, 1) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr((scratch / "data").string()));
}

TEST(Data, MissingFile) {
  const TempDir scratch;
  write_cifar100(scratch / "set");
  fs::remove(scratch / "set" / "test.bin");
  expect_refused(scratch, "test.bin");
}

TEST(Data, EmptyFileAndEmptyDirectory) {
  const TempDir scratch;
  write_cifar100(scratch / "set");
  put(scratch / "set" / "train.bin", "");
  expect_refused(scratch, "train.bin");
  fs::remove_all(scratch / "set");
  fs::create_directory(scratch / "set");
  const Outcome outcome = frugal({"data", (scratch / "set").string()});
  EXPECT_NE(outcome.code, 0);
  EXPECT_THAT(outcome.err, HasSubstr((scratch / "set").string()));
}

TEST(Data, TruncatedFile) {
  const TempDir scratch;
  write_cifar100(scratch / "set");
  fs::resize_file(scratch / "set" / "train.bin", 3074 * 100 + 17);
  expect_refused(scratch, "train.bin");
}

TEST(Data, OversizedFile) {
  const TempDir scratch;
  write_cifar100(scratch / "set");
  put(scratch / "set" / "test.bin", read_text(scratch / "set" / "test.bin") + "more");
  expect_refused(scratch, "test.bin");
}

TEST(Data, AFileOfTerabytesDoesNotFillMemory) {
  const TempDir scratch;
  write_cifar100(scratch / "set");
  std::error_code failure;
  fs::resize_file(scratch / "set" / "train.bin", uintmax_t{3074} << 30, failure);  // a hole, no blocks
  if (failure) GTEST_SKIP() << "no files of this size here";
  expect_refused(scratch, "train.bin");
}

TEST(Data, WrongLabel) {
  const TempDir scratch;
  write_cifar100(scratch / "set");
  std::string bytes = read_text(scratch / "set" / "train.bin");
  bytes[3074 * 7 + 1] = static_cast<char>(200);
  put(scratch / "set" / "train.bin", bytes);
  expect_refused(scratch, "train.bin");
}

TEST(Data, UnreadableFile) {
  const TempDir scratch;
  write_cifar100(scratch / "set");
  fs::remove(scratch / "set" / "train.bin");
  fs::create_directory(scratch / "set" / "train.bin");
  expect_refused(scratch, "train.bin");
}

TEST(Data, FileWithoutPermission) {
  const TempDir scratch;
  write_cifar100(scratch / "set");
  fs::permissions(scratch / "set" / "train.bin", fs::perms::none);
  const Outcome outcome = frugal({"data", (scratch / "set").string()}, {.as_nobody = geteuid() == 0});
  if (outcome.code == 127) GTEST_SKIP() << "nobody cannot reach the program";
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("train.bin"), HasSubstr("ermission")));
}

}  // namespace
}  // namespace frugal

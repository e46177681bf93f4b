#include "train/progress_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "../temp_dir.h"
#include "base/error.h"

namespace frugal {
namespace {

using Kind = ProgressRecord::Kind;
using Open = ProgressFile::Open;

class ProgressTest : public ::testing::Test {
 protected:
  ProgressLog log() const { return read_progress(dir_ / "progress.bin"); }
  std::string read_error() const {
    try {
      log();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  void append_bytes(const std::string& bytes) const {
    std::ofstream(dir_ / "progress.bin", std::ios::app | std::ios::binary) << bytes;
  }
  double used_ = 0;
  const TempDir dir_;
};

TEST_F(ProgressTest, TellsWhatWasNoted) {
  {
    ProgressFile file(dir_.path(), Open::anew, [&] { return used_; });
    file.begin();
    file.append(Kind::step, 0, 0);
    file.append(Kind::step, 1, 0.25);
    file.append(Kind::validate, 2, 1);
    file.append(Kind::step, 2, 0.5);
    file.append(Kind::validate, 3, 0);
    file.append(Kind::trained, 3, 0);
    file.append(Kind::validated, 3, 20);
    file.append(Kind::tested, 3, 17);
    file.sync();
    used_ = 4.5;
  }
  EXPECT_EQ(log().steps, (std::vector<double>{0, 0.25, 0.5}));
  EXPECT_EQ(log().validate, (std::map<int64_t, bool>{{2, true}, {3, false}}));
  EXPECT_EQ(log().trained, 3);
  EXPECT_EQ(log().validated, 20);
  EXPECT_EQ(log().tested, 17);
  EXPECT_EQ(log().seconds_used, 4.5);
}

TEST_F(ProgressTest, GoesOnWithTheTimeOfThoseBeforeAndGoesBack) {
  {
    ProgressFile file(dir_.path(), Open::anew, [] { return 7.0; });
    file.begin();
    for (int i = 0; i < 4; ++i) file.append(Kind::step, i, 0.1 * i);
    file.append(Kind::validate, 3, 1);
    file.append(Kind::trained, 4, 0);
  }
  append_bytes("cut short");
  {
    ProgressFile file(dir_.path(), Open::go_on, [] { return 2.0; });
    file.begin();
    EXPECT_EQ(file.seconds_used(), 9);
    EXPECT_EQ(file.log().steps.size(), 4u);
    file.append(Kind::rewind, 2, 0);
    file.append(Kind::step, 2, 0.7);
  }
  EXPECT_EQ(log().steps, (std::vector<double>{0, 0.1, 0.7}));
  EXPECT_TRUE(log().validate.empty());
  EXPECT_EQ(log().trained, -1);
  EXPECT_EQ(log().seconds_used, 9);
}

TEST_F(ProgressTest, WhatHadBeenTrainedIsOnlyTestedAgain) {
  ProgressFile file(dir_.path(), Open::anew, [] { return 1.0; });
  file.append(Kind::step, 0, 0);
  file.append(Kind::trained, 1, 1);
  file.append(Kind::validated, 1, 20);
  file.append(Kind::averaged, 1, 10);
  file.append(Kind::tested, 1, 5);
  file.append(Kind::rewind, 1, 1);
  EXPECT_EQ(log().trained, 1);
  EXPECT_TRUE(log().trained_late);
  EXPECT_EQ(log().validated, 20);
  EXPECT_EQ(log().averaged, 10);
  EXPECT_EQ(log().tested, -1);
}

TEST_F(ProgressTest, WhoGoesBackFromTheLastValidationWasNotLate) {
  ProgressFile file(dir_.path(), Open::anew, [] { return 1.0; });
  file.append(Kind::step, 0, 0);
  file.append(Kind::trained, 1, 0);  // then the weights turn out to be broken
  file.append(Kind::trained, 1, 1);
  EXPECT_FALSE(log().trained_late);
}

TEST_F(ProgressTest, WhatAPowerCutLeftNeverFollowsUponWhatIsWritten) {
  {
    ProgressFile file(dir_.path(), Open::anew, [] { return 1.0; });
    file.append(Kind::step, 0, 0);
  }
  const ProgressRecord stale{Kind::step, 7, 0.5};
  append_bytes(std::string(sizeof stale, '\0') +
               std::string(reinterpret_cast<const char*>(&stale), sizeof stale));
  {
    ProgressFile file(dir_.path(), Open::go_on, [] { return 1.0; });
    file.append(Kind::step, 1, 0.1);
  }
  EXPECT_EQ(log().steps, (std::vector<double>{0, 0.1}));
}

TEST_F(ProgressTest, WhatAPowerCutLeftIsPassedOver) {
  {
    ProgressFile file(dir_.path(), Open::anew, [] { return 3.0; });
    file.begin();
  }
  append_bytes(std::string(40, '\0'));
  EXPECT_EQ(log().seconds_used, 3);
  {
    ProgressFile file(dir_.path(), Open::go_on, [] { return 1.0; });
    file.append(Kind::step, 0, 0.5);
  }
  EXPECT_EQ(log().steps.size(), 1u);
}

TEST_F(ProgressTest, ARunThatNeverBeganHasTakenNoTime) {
  {
    ProgressFile file(dir_.path(), Open::anew, [] { return 3.0; });
    file.begin();
  }
  {
    const ProgressFile refused(dir_.path(), Open::go_on, [] { return 2.0; });
  }
  EXPECT_EQ(log().seconds_used, 3);
}

TEST_F(ProgressTest, BeginsAnewWhereThereIsNone) {
  const ProgressFile file(dir_.path(), Open::go_on, [] { return 1.0; });
  EXPECT_EQ(file.seconds_used(), 1);
}

TEST_F(ProgressTest, NamesWhatIsNoProgress) {
  append_bytes("something else altogether");
  EXPECT_THAT(read_error(), testing::HasSubstr("not the progress of a run"));
}

TEST_F(ProgressTest, NamesADamagedRecord) {
  {
    const ProgressFile file(dir_.path(), Open::anew, [] { return 3.0; });
  }
  append_bytes(std::string("\x63\0\0\0", 4) + std::string(12, '\1'));
  EXPECT_THAT(read_error(), testing::HasSubstr("kind 99 is not known"));
}

}  // namespace
}  // namespace frugal

#include "data/augment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace frugal {
namespace {

using testing::HasSubstr;

void expect_usage_error(const std::string& text, const std::string& words) {
  try {
    parse_augment(text);
    ADD_FAILURE() << "accepted " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage) << text;
    EXPECT_THAT(error.what(), HasSubstr(words)) << text;
  }
}

TEST(Augment, ReadsTheList) {
  const auto list = parse_augment("flip, crop:4,translate:2,cutout:8");
  ASSERT_EQ(list.size(), 4u);
  EXPECT_EQ(list[0].kind, AugmentKind::flip);
  EXPECT_EQ(list[0].probability, 0.5);
  EXPECT_EQ(list[1].kind, AugmentKind::shift);
  EXPECT_EQ(list[1].pixels, 4);
  EXPECT_EQ(list[1].padding, Padding::zero);
  EXPECT_EQ(list[2].padding, Padding::reflect);
  EXPECT_EQ(list[3].pixels, 8);
  EXPECT_TRUE(parse_augment("").empty());
  EXPECT_TRUE(parse_augment(" none ").empty());
}

TEST(Augment, JittersNumbersAreColorJitters) {
  const Augment all = parse_augment("jitter:0.2")[0];
  EXPECT_EQ(all.brightness.low, 0.8);
  EXPECT_EQ(all.contrast.high, 1.2);
  EXPECT_EQ(all.saturation.low, 0.8);
  EXPECT_EQ(all.hue.high, 0);
  const Augment four = parse_augment("jitter:0.4|0.3|2|0.1")[0];
  EXPECT_EQ(four.brightness.high, 1.4);
  EXPECT_EQ(four.contrast.low, 0.7);
  EXPECT_EQ(four.saturation.low, 0);  // no factor is negative
  EXPECT_EQ(four.saturation.high, 3);
  EXPECT_EQ(four.hue.low, -0.1);
  const Augment one = parse_augment("jitter:hue=0.3")[0];
  EXPECT_EQ(one.hue.high, 0.3);
  EXPECT_EQ(one.brightness.low, 1);
  EXPECT_EQ(parse_augment("contrast:0.5")[0].contrast.low, 0.5);
  EXPECT_EQ(parse_augment("contrast:0.5")[0].brightness.high, 1);
}

TEST(Augment, WritesWhatItReads) {
  for (const char* text :
       {"none", "flip", "crop:4", "flip,crop:4", "crop:1,flip,crop:1024", "altflip,translate:2,pad=edge",
        "jitter:0.2,cutout:8", "jitter:0.4|0.4|0.4|0.1,grey:0.2",
        "affine:rotate=10,scale=0.8|1.2,shear=5,translate=0.1",
        "randaugment:magnitude=9,ops=2,erase:0.25,area=0.02|0.2,mixup:0.2,cutmix:1,p=0.5",
        "trivial,rotate:15"}) {
    EXPECT_EQ(to_string(parse_augment(text)), text);
  }
}

TEST(Augment, FaultsAreUsageErrorsThatListWhatIsKnown) {
  for (const char* text : {"crop",
                           "crop:0",
                           "crop:-1",
                           "crop:1025",
                           "crop:x",
                           "crop:4.5",
                           "crop:4:5",
                           "flip:2",
                           "flip:-0.1",
                           "altflip:1",
                           "crop:padding=4",
                           "flip,none",
                           "flip,",
                           "crop:4,5",
                           "crop:99999999999999999999",
                           "jitter",
                           "jitter:0",
                           "jitter:0.1|0.2",
                           "jitter:11",
                           "hue:0.6",
                           "rotate",
                           "rotate:181",
                           "affine:scale=0.5",
                           "affine:scale=2|1",
                           "affine:scale=0|1",
                           "affine:shear=90",
                           "randaugment:magnitude=31",
                           "randaugment:ops=0",
                           "trivial:3",
                           "cutout",
                           "erase:area=0.5|2",
                           "mixup:0",
                           "mixup:nan",
                           "cutmix:1,p=2",
                           "grey:x"}) {
    expect_usage_error(text, "");
  }
  expect_usage_error("flop", "'flop'");
  expect_usage_error("flop", "flip, altflip, crop, translate, jitter");
  expect_usage_error("crop:4,pad=wrap", "zero, reflect, edge");
  expect_usage_error("mixup,flip,mixup", "once");
}

TEST(Augment, WhatDoesNotSuitTheImagesIsAUsageError) {
  const auto check = [](const char* text, int64_t size, int64_t channels) {
    check_augment(parse_augment(text), size, size, channels);
  };
  EXPECT_NO_THROW(check("crop:40,jitter:0.2,trivial", 32, 3));
  EXPECT_NO_THROW(check("translate:31", 32, 3));
  EXPECT_THROW(check("translate:32", 32, 3), Error);
  EXPECT_NO_THROW(check("crop:32,pad=edge", 32, 3));
  EXPECT_NO_THROW(check("flip,crop:2", 32, 4));
  EXPECT_THROW(check("jitter:0.2", 32, 4), Error);
}

TEST(Augment, HelpNamesWhatCanBeWritten) {
  EXPECT_THAT(augment_help(), testing::AllOf(HasSubstr("crop:PIXELS"), HasSubstr("cutmix")));
}

}  // namespace
}  // namespace frugal

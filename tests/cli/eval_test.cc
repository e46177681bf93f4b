// What frugal eval says beside accuracies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "program.h"

namespace frugal {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

class Eval : public testing::Test {
 protected:
  Eval() {
    write_cifar100(scratch / "set", 256, 100);
    EXPECT_EQ(frugal(quick_train(scratch / "set", scratch / "run", {"--val", "0.25"})).code, 0);
  }
  Outcome eval(std::vector<std::string> more) const {
    more.insert(more.begin(), {"eval", (scratch / "run").string()});
    return frugal(more);
  }
  std::string path(const char* name) const { return (scratch / name).string(); }
  const TempDir scratch;
};

TEST_F(Eval, TellsOfClassesConfidenceAndTemperature) {
  const Outcome text = eval({"--per-class", "--calibrate"});
  ASSERT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("95 % interval"), HasSubstr("calibration error"),
                              HasSubstr("at temperature "), HasSubstr("fitted on 64 validation images"),
                              HasSubstr("images/s"), HasSubstr("F1"), HasSubstr("of the right superclass")));
  const auto json = json_lines(eval({"--json", "--calibrate"}).out).at(0);
  EXPECT_EQ(json["classes"].size(), 100u);
  EXPECT_EQ(json["confusion"].size(), 100u);
  int64_t images = 0, right = 0;
  for (size_t i = 0; i < 100; ++i) {
    for (const auto& count : json["confusion"][i]) images += count.get<int64_t>();
    right += json["confusion"][i][i].get<int64_t>();
  }
  EXPECT_EQ(images, json["samples"]);
  EXPECT_DOUBLE_EQ(static_cast<double>(right) / static_cast<double>(images), json["top1"].get<double>());
  EXPECT_LT(json["intervals"]["top1"][0], json["top1"]);
  EXPECT_GT(json["intervals"]["top1"][1], json["top1"]);
  EXPECT_EQ(json["cross_entropy"], json["loss"]);
  EXPECT_GT(json["tempered"]["temperature"], 0);
  EXPECT_GT(json["timing"]["images_per_second"], 0);
}

TEST_F(Eval, WritesPredictionsAndConfusion) {
  ASSERT_EQ(eval({"--predictions", path("p.csv"), "--confusion", path("c.csv")}).code, 0);
  std::istringstream lines(read_text(scratch / "p.csv"));
  std::string line;
  std::getline(lines, line);
  EXPECT_TRUE(line.starts_with("image,label,guess,confidence,"));
  int count = 0;
  while (std::getline(lines, line)) {
    std::istringstream cells(line);
    std::vector<std::string> all;
    for (std::string cell; std::getline(cells, cell, ',');) all.push_back(cell);
    ASSERT_EQ(all.size(), 104u);
    EXPECT_EQ(all[0], std::to_string(count++));
    double sum = 0, most = 0;
    for (size_t i = 4; i < all.size(); ++i)
      sum += std::stod(all[i]), most = std::max(most, std::stod(all[i]));
    EXPECT_NEAR(sum, 1, 1e-3);
    EXPECT_EQ(std::stod(all[3]), most);
  }
  EXPECT_EQ(count, 100);
  const std::string confusion = read_text(scratch / "c.csv");
  EXPECT_EQ(std::count(confusion.begin(), confusion.end(), '\n'), 101);
}

TEST_F(Eval, NobodyIsCalibratedOnWhatHeIsJudgedBy) {
  for (const char* split : {"val", "train"}) {
    const Outcome outcome = eval({"--split", split, "--calibrate"});
    EXPECT_EQ(outcome.code, 2);
    EXPECT_THAT(outcome.err, HasSubstr("only the test split"));
  }
}

/// The same data under another name are the run's data; others hold nothing out that could be told.
TEST_F(Eval, WhatWasHeldOutIsKnownOfTheRunsDataAlone) {
  std::filesystem::copy(scratch / "set", scratch / "copy");
  const auto own = json_lines(eval({"--split", "val", "--json"}).out).at(0);
  const Outcome copied = eval({"--split", "val", "--json", "--data", path("copy")});
  ASSERT_EQ(copied.code, 0) << copied.err;
  EXPECT_EQ(json_lines(copied.out).at(0)["loss"], own["loss"]);
  write_cifar100(scratch / "other", 128, 100);
  for (const char* how : {"--calibrate", "--split=val", "--split=train"}) {
    const Outcome refused = eval({how, "--data", path("other")});
    EXPECT_EQ(refused.code, 2) << how;
    EXPECT_THAT(refused.err, HasSubstr("cannot be told")) << how;
  }
  EXPECT_EQ(eval({"--data", path("other")}).code, 0);
}

TEST_F(Eval, OfOtherClassesNothingWasHeldOut) {
  for (const char* how : {"--split=val", "--split=train", "--calibrate"}) {
    const Outcome refused = eval({"--task", "0-9", how});
    EXPECT_EQ(refused.code, 2) << how;
    EXPECT_THAT(refused.err, HasSubstr("of other classes than the run's own (all) nothing was held out"))
        << how;
  }
  EXPECT_EQ(eval({"--task", "all", "--split", "val"}).code, 0);
  EXPECT_EQ(eval({"--task", "0-9"}).code, 0);
}

TEST_F(Eval, NoNetworkIsComparedOnWhatItWasTrainedOn) {
  ASSERT_EQ(frugal(quick_train(scratch / "set", scratch / "alike", {"--val", "0.25", "--seed", "9"})).code,
            0);
  ASSERT_EQ(frugal(quick_train(scratch / "set", scratch / "less", {"--val", "0.125"})).code, 0);
  for (const char* split : {"val", "train"}) {
    EXPECT_EQ(eval({"--split", split, "--against", path("alike")}).code, 0) << split;
    const Outcome refused = eval({"--split", split, "--against", path("less")});
    EXPECT_EQ(refused.code, 2) << split;
    EXPECT_THAT(refused.err, HasSubstr("less did not hold out the same images")) << split;
  }
  EXPECT_EQ(eval({"--against", path("less")}).code, 0);
}

/// What argmax, ranks and bins would make of NaN contradicts itself.
TEST_F(Eval, LogitsThatAreNotFiniteAreNotJudged) {
  std::string weights = read_text(scratch / "run/best.safetensors");
  uint64_t header = 0;
  std::memcpy(&header, weights.data(), sizeof header);
  const float nothing = std::numeric_limits<float>::quiet_NaN();
  for (size_t at = 8 + header; at + sizeof nothing <= weights.size(); at += sizeof nothing)
    std::memcpy(weights.data() + at, &nothing, sizeof nothing);
  weights.replace(weights.find("xxh3_128"), 8, "no_check");  // it would tell first
  std::ofstream(scratch / "run/best.safetensors", std::ios::binary) << weights;
  const Outcome refused = eval({});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("of 100 of 100 images the network's logits are not finite"));
  const Outcome report = frugal({"report", path("run")});
  EXPECT_EQ(report.code, 0);
  EXPECT_THAT(report.err, HasSubstr("the report is without test images: "));
}

TEST_F(Eval, ComparesTwoNetworksOnTheSameImages) {
  ASSERT_EQ(frugal(quick_train(scratch / "set", scratch / "other", {"--seed", "9"})).code, 0);
  const auto json = json_lines(eval({"--against", path("other"), "--json"}).out).at(0);
  const auto alone = json_lines(frugal({"eval", path("other"), "--json"}).out).at(0);
  EXPECT_EQ(json["against"]["top1"], alone["top1"]);
  const auto difference =
      json["against"]["only_first"].get<double>() - json["against"]["only_second"].get<double>();
  EXPECT_NEAR(difference / 100, json["top1"].get<double>() - alone["top1"].get<double>(), 1e-12);
  EXPECT_LE(json["against"]["p"], 1);
  EXPECT_THAT(eval({"--against", path("other")}).out, HasSubstr("(McNemar)"));
  const auto itself = json_lines(eval({"--against", path("run"), "--json"}).out).at(0);
  EXPECT_EQ(itself["against"]["p"], 1);
  ASSERT_EQ(frugal(quick_train(scratch / "set", scratch / "few", {"--select", "0-4"})).code, 0);
  const Outcome refused = eval({"--against", path("few")});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("are not those that the model was trained on"));
}

TEST_F(Eval, WhatCannotBeDoneIsSaidBeforeAnythingIsWritten) {
  fs::copy(scratch / "run" / "best.safetensors", scratch / "alone.safetensors");
  const Outcome calibrated =
      frugal({"eval", path("alone.safetensors"), "--calibrate", "--predictions", path("p.csv")});
  EXPECT_EQ(calibrated.code, 2);
  EXPECT_THAT(calibrated.err, AllOf(HasSubstr("--calibrate: "), Not(HasSubstr("--split"))));
  ASSERT_EQ(frugal(quick_train(scratch / "set", scratch / "small", {"--image-size", "16"})).code, 0);
  const Outcome compared = eval({"--against", path("small"), "--predictions", path("p.csv")});
  EXPECT_EQ(compared.code, 2);
  EXPECT_THAT(compared.err, HasSubstr("--against " + path("small") + ": the images of "));
  EXPECT_FALSE(fs::exists(scratch / "p.csv"));
}

TEST_F(Eval, WritesOverItsOwnKindOfFileAlone) {
  const std::string weights = read_text(scratch / "run" / "best.safetensors");
  for (const char* flag : {"--predictions", "--confusion", "--logits"}) {
    const std::string file = path("again");
    ASSERT_EQ(eval({flag, file}).code, 0) << flag;
    EXPECT_EQ(eval({flag, file}).code, 0) << flag;
    fs::remove(file);
    const Outcome slip = eval({flag, path("run/best.safetensors")});
    EXPECT_EQ(slip.code, 2);
    EXPECT_THAT(slip.err, AllOf(HasSubstr(flag), HasSubstr("best.safetensors exists already and is no ")));
    const Outcome nowhere = eval({flag, path("nowhere/file")});
    EXPECT_EQ(nowhere.code, 2);
    EXPECT_THAT(nowhere.err, HasSubstr("there is no directory " + path("nowhere")));
  }
  EXPECT_EQ(read_text(scratch / "run" / "best.safetensors"), weights);
}

TEST_F(Eval, MistakesAreExplained) {
  fs::copy(scratch / "run" / "best.safetensors", scratch / "alone.safetensors");
  ASSERT_EQ(frugal(quick_train(scratch / "set", scratch / "all", {"--val", "0"})).code, 0);
  write_cifar100(scratch / "few", 256, 10);
  const std::pair<std::vector<std::string>, const char*> mistakes[] = {
      {{"run", "--split", "x"}, "--split: 'x' is none of test, val, train"},
      {{"run", "--tta", "spin"}, "--tta: 'spin' is not known; there is flip"},
      {{"run", "--threads", "5000"}, "--threads: 5000 is not in 0 (all that the machine allows) to 1024"},
      {{"run", "--data", "few", "--task", "50-59"}, "few has no test images of these classes"},
      {{"alone.safetensors", "--task", "0-9"}, "--task needs the run's config.toml; give the run directory"},
      {{"all", "--split", "val"}, "--split val: the run held no image out for it"}};
  for (const auto& [words, said] : mistakes) {
    std::vector<std::string> arguments = {"eval"};
    arguments.insert(arguments.end(), words.begin(), words.end());
    const Outcome refused = frugal(arguments, {.directory = scratch.path()});
    EXPECT_EQ(refused.code, 2) << said;
    EXPECT_THAT(refused.err, HasSubstr(said));
  }
}

TEST_F(Eval, CalibratingNeedsImagesThatWereHeldOut) {
  const Outcome outcome = frugal({"eval", path("run/best.safetensors"), "--calibrate"});
  EXPECT_EQ(outcome.code, 0) << "the run's configuration lies beside it";
  std::filesystem::copy(scratch / "run/best.safetensors", scratch / "alone.safetensors");
  const Outcome alone = frugal({"eval", path("alone.safetensors"), "--data", path("set"), "--calibrate"});
  EXPECT_EQ(alone.code, 2);
  EXPECT_THAT(alone.err, HasSubstr("give the run directory"));
}

}  // namespace
}  // namespace frugal

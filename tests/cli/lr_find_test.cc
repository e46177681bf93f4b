// `frugal lr-find` from end to end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class LrFindCommand : public testing::Test {
 protected:
  Outcome run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "lr-find");
    return frugal(arguments, {.directory = scratch.path()});
  }
  const TempDir scratch;
};

TEST_F(LrFindCommand, SuggestsARateOfUseOnRealImages) {
  const Outcome outcome = run({"--data", "cifar100-mini", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto json = json_lines(outcome.out).at(0);
  EXPECT_EQ(json["data"], "cifar100-mini");
  EXPECT_GT(json["suggestion"], 1e-3);
  EXPECT_LT(json["suggestion"], 0.2);
  EXPECT_GT(json["steepest"], 1e-5);
  EXPECT_LE(json["points"].size(), 100u);
  EXPECT_EQ(json["points"][0]["lr"], 1e-5);
  EXPECT_GT(json["points"][0]["loss"], 4);
  EXPECT_THAT(read_text(scratch / "lr-find.svg"),
              AllOf(StartsWith("<svg"), HasSubstr("suggestion: "), HasSubstr("running mean"),
                    HasSubstr(">1e-05<"), HasSubstr("smallnet on cifar100-mini")));
  // What it says is what it does: an epoch at that rate learns, where one at a hundredth hardly does.
  const auto loss_at = [&](double lr, const std::string& name) {
    frugal({"train", "--data", "cifar100-mini", "--epochs", "1", "--schedule", "constant", "--quiet", "--out",
            (scratch / name).string(), "--lr", std::to_string(lr)});
    return json_lines(read_text(scratch / name / "log.jsonl")).at(0)["train"]["loss"].get<double>();
  };
  const double suggested = json["suggestion"];
  EXPECT_LT(loss_at(suggested, "a"), loss_at(suggested / 100, "b"));
}

TEST_F(LrFindCommand, TheSameAtAnyNumberOfThreads) {
  write_cifar100(scratch / "set");
  for (const char* precision : {"fp32", "auto"}) {
    std::vector<std::string> flags = {"--data",    (scratch / "set").string(),
                                      "--batch",   "32",
                                      "--augment", "flip,crop:4",
                                      "--steps",   "40",
                                      "--json",    "--precision",
                                      precision};
    flags.insert(flags.end(), {"--threads", "1"});
    const Outcome one = run(flags);
    flags.back() = "3";
    ASSERT_EQ(one.code, 0) << one.err;
    EXPECT_EQ(one.out, run(flags).out) << precision;
    flags.insert(flags.end(), {"--seed", "2"});
    EXPECT_NE(one.out, run(flags).out) << precision;
  }
}

TEST_F(LrFindCommand, SaysSoInWords) {
  write_cifar100(scratch / "set");
  const Outcome outcome = run({"--data", (scratch / "set").string(), "--batch", "32", "--out", "x.svg"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(StartsWith("smallnet on "), HasSubstr("100 steps of 32 images"),
                                 HasSubstr("suggestion: --lr "), HasSubstr("it falls fastest at"),
                                 HasSubstr("drawn to x.svg")));
  EXPECT_TRUE(fs::exists(scratch / "x.svg"));
}

TEST_F(LrFindCommand, ASweepThatFindsNothingFails) {
  write_cifar100(scratch / "set");
  const Outcome outcome =
      run({"--data", (scratch / "set").string(), "--batch", "32", "--min-lr", "1e5", "--max-lr", "1e6"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("no suggestion: the loss diverged"));
  EXPECT_TRUE(fs::exists(scratch / "lr-find.svg")) << "it shows why";
}

TEST_F(LrFindCommand, RefusesWhatWouldChangeNothing) {
  for (const char* flag : {"--max-time", "--clip", "--accumulate", "--ema", "--patience", "--schedule"}) {
    const Outcome outcome = frugal({"lr-find", "--data", "cifar100-mini", flag, "1"});
    EXPECT_EQ(outcome.code, 2);
    EXPECT_THAT(outcome.err, testing::HasSubstr("unknown flag " + std::string(flag)));
  }
  const Outcome nowhere = frugal({"lr-find", "--data", "cifar100-mini", "--out", "/nonexistent/a.svg"});
  EXPECT_EQ(nowhere.code, 2);
  EXPECT_THAT(nowhere.err, testing::HasSubstr("there is no directory /nonexistent"));
}

TEST_F(LrFindCommand, RefusesBadSweeps) {
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"--min-lr", "1", "--max-lr", "0.1"},
                                                {"--min-lr", "0"},
                                                {"--max-lr", "x"},
                                                {"--steps", "5"},
                                                {"--lr", "0.1"},
                                                {"--schedule", "cosine"},
                                                {"--optimizer", "lion"}}) {
    EXPECT_EQ(run(wrong).code, 2) << testing::PrintToString(wrong);
  }
}

}  // namespace
}  // namespace frugal

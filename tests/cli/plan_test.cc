// `frugal plan`: which networks fit, and what comes of the time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "program.h"

namespace frugal {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Plan : public testing::Test {
 protected:
  Plan() { write_cifar100(scratch / "set", 256, 100); }
  Outcome plan(const std::vector<std::string>& more) const {
    std::vector<std::string> all = {"plan", "--data", (scratch / "set").string(), "--seconds", "10ms"};
    all.insert(all.end(), more.begin(), more.end());
    return frugal(all);
  }
  const TempDir scratch;
};

TEST_F(Plan, ShowsWhatFitsAndCountsTheRest) {
  const Outcome outcome = plan({"--max-params", "300k", "--batch", "16", "--max-time", "10m"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("resnet20"), HasSubstr("epochs in 10m"),
                                 HasSubstr("more have over 300,000"), Not(HasSubstr("smallnet"))));
}

TEST_F(Plan, JsonHasALineAModelAndTwiceTheTimeGivesMoreThanTwiceTheEpochs) {
  const auto one = [&](const char* limit) {
    const Outcome outcome = plan({"--model", "smallnet", "--json", "--max-time", limit});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return json_lines(outcome.out).at(0);
  };
  const auto minute = one("1m");
  EXPECT_EQ(minute["model"], "smallnet");
  EXPECT_EQ(minute["params"], 996376);
  EXPECT_EQ(minute["limit_seconds"], 60.0);
  EXPECT_GT(minute["images_per_second"], 0.0);
  EXPECT_GT(minute["memory_bytes"], 4 * 996376);
  EXPECT_GT(minute["epochs"], 1.0);
  EXPECT_GT(one("10m")["epochs"], 3 * minute["epochs"].get<double>());
}

TEST_F(Plan, TheTimeMayComeFromAFile) {
  std::ofstream(scratch / "c.toml") << "max_time = \"2m\"\nmodel = \"resnet20\"\n";
  const std::string file = (scratch / "c.toml").string();
  const auto limit = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = {"--model", "smallnet", "--json"};
    all.insert(all.end(), more.begin(), more.end());
    return json_lines(plan(all).out).at(0)["limit_seconds"].get<double>();
  };
  EXPECT_EQ(limit({"--config", file}), 120);
  EXPECT_EQ(limit({"--config", file, "--max-time", "3m"}), 180);
  EXPECT_EQ(limit({}), 3600);
  EXPECT_EQ(plan({"--max-time", "none"}).code, 2);
}

TEST_F(Plan, TheNetworkMayComeFromAFile) {
  std::ofstream(scratch / "c.toml") << "model = \"resnet20:width=0.25\"\n";
  const std::string file = (scratch / "c.toml").string();
  const auto lines = json_lines(plan({"--config", file, "--max-params", "25k", "--json"}).out);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["model"], "resnet20:width=0.25");
  const Outcome refused = plan({"--config", file, "--max-params", "1k"});
  EXPECT_EQ(refused.code, 3);
  EXPECT_THAT(refused.err, HasSubstr("resnet20:width=0.25 has more"));
}

TEST_F(Plan, WrongFlagsAreNoMatterOfSize) {
  const Outcome nothing = plan({"--model", "smallnet", "--freeze", "*"});
  EXPECT_EQ(nothing.code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("leaves nothing to train"));
  const Outcome loss = plan({"--max-params", "300k", "--loss", "ce + 0.1*ewc"});
  EXPECT_EQ(loss.code, 2) << loss.err;
  const Outcome groups = plan({"--max-params", "300k", "--groups", "nosuch*:lr=0.1"});
  EXPECT_EQ(groups.code, 2);
  EXPECT_THAT(groups.err, HasSubstr("there is nothing to plan; "));
}

TEST_F(Plan, WhatCannotBePlannedIsExplained) {
  EXPECT_THAT(plan({"--max-time", "none"}).err, HasSubstr("--max-time: a plan is for a time, such as 1h"));
}

TEST_F(Plan, WhereNothingFitsTheLimitRefuses) {
  const Outcome one = plan({"--model", "wrn-16-2", "--max-params", "1k"});
  EXPECT_EQ(one.code, 3);
  EXPECT_THAT(one.err, HasSubstr("--max-params 1k: no network is that small; wrn-16-2 has more"));
  const Outcome all = plan({"--max-params", "1k", "--json"});
  EXPECT_EQ(all.code, 3);
  EXPECT_THAT(all.err, HasSubstr("have more"));
}

}  // namespace
}  // namespace frugal

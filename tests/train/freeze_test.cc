// `--freeze`: which parameters its rules leave alone, and when.
#include "train/freeze.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "graph/presets.h"

namespace frugal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> trained(const char* rules, double progress) {
  std::vector<std::string> names;
  const Graph graph = frozen_at(make_model("resnet20", {32, 32, 3}, 10), parse_freeze(rules), true, progress);
  for (const ParameterSpec& p : graph.parameters) {
    if (p.trainable) names.push_back(p.name);
  }
  return names;
}

int fixed_norms(const char* rules, bool fix, double progress) {
  int count = 0;
  const Graph graph = frozen_at(make_model("resnet20", {32, 32, 3}, 10), parse_freeze(rules), fix, progress);
  for (const Node& node : graph.nodes) count += node.fixed_statistics;
  return count;
}

TEST(Freeze, LaterRulesWin) {
  EXPECT_THAT(trained("*,!linear.*", 1), ElementsAre("linear.weight", "linear.bias"));
  EXPECT_THAT(trained("!linear.*,*,!conv1.*", 1), ElementsAre("conv1.weight"));
  EXPECT_EQ(trained("none", 0).size(), 59u);
  EXPECT_EQ(trained("layer?.*", 1).size(), 5u);
}

TEST(Freeze, ThawsAtAProgress) {
  const char* rules = "*@0.5,conv1.*,!linear.*";
  EXPECT_THAT(trained(rules, 0.49), ElementsAre("linear.weight", "linear.bias"));
  EXPECT_EQ(trained(rules, 0.5).size(), 58u);
  EXPECT_EQ(trained(rules, 1).size(), 58u);  // conv1 stays
  EXPECT_THAT(thaws(parse_freeze("a@0.5,b@0.25,c@0.5,d,!e")), ElementsAre(0.25, 0.5));
}

TEST(Freeze, FixesStatisticsOfNormsThatAreFrozenWhole) {
  EXPECT_EQ(fixed_norms("*,!linear.*", true, 1), 19);
  EXPECT_EQ(fixed_norms("*,!linear.*", false, 1), 0);
  EXPECT_EQ(fixed_norms("*.bias", true, 1), 0);
  EXPECT_EQ(fixed_norms("bn1.*@0.3", true, 0.2), 1);
  EXPECT_EQ(fixed_norms("bn1.*@0.3", true, 0.3), 0);
}

TEST(Freeze, RefusesWhatMakesNoSense) {
  for (const char* rules : {"", "a,,b", "!", "a@", "a@0", "a@1", "a@x", "!a@0.5"}) {
    EXPECT_THROW(parse_freeze(rules), Error) << rules;
  }
  EXPECT_THROW(parse_freeze_bn("off"), Error);
  const Graph graph = make_model("resnet20", {32, 32, 3}, 10);
  const auto message = [&](const char* rules) -> std::string {
    try {
      check_freeze(parse_freeze(rules), graph);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message("classifier*"), HasSubstr("no parameter fits 'classifier*'; there are conv1.weight"));
  EXPECT_THAT(message("*@0.5"), HasSubstr("leaves nothing to train at the start"));
  EXPECT_EQ(message("*,!linear.*"), "");
}

}  // namespace
}  // namespace frugal

#include "train/groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "fake_engine.h"
#include "golden_net.h"
#include "train/optimizer.h"

namespace frugal {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// A case of a golden whose optimizer is run for some steps from the golden weights.
TEST(Groups, ArePyTorchs) {
  const auto golden = read_golden("groups.json");
  ASSERT_EQ(golden["cases"].size(), 5u);
  const Graph graph = golden_net();
  for (const auto& expected : golden["cases"]) {
    FakeEngine engine(graph);
    Parameters& parameters = engine.parameters();
    set_golden_weights(parameters);
    const auto optimizer = make_optimizer(expected["optimizer"],
                                          {.momentum = expected["momentum"],
                                           .weight_decay = expected["weight_decay"],
                                           .groups = expected["groups"],
                                           .decay = expected["decay"]},
                                          engine, graph);
    for (int step = 1; step <= expected["steps"].get<int>(); ++step) {
      set_golden_gradients(parameters, step);
      optimizer->step(engine, expected["lr"]);
    }
    expect_golden_weights(parameters, expected["weights"], expected["optimizer"]);
  }
}

TEST(Groups, EachOptionIsOfTheLastPatternThatHasIt) {
  const Graph graph = golden_net();
  const Parameters parameters(graph);
  const ParameterGroups groups("*:lr=2,decay=0,fc*:decay=3,fc1.weight:lr=5", "all", 0.5);
  for (const Slot& slot : parameters.slots()) {
    const bool dense = slot.name.starts_with("fc");
    EXPECT_EQ(groups.settings(slot), (GroupSettings{slot.name == "fc1.weight" ? 5.0 : 2.0, dense ? 1.5 : 0}))
        << slot.name;
  }
}

TEST(Groups, DecayOfWeightsLeavesBiasesAndNormsAndCanBeOverruled) {
  const Graph graph = golden_net();
  const Parameters parameters(graph);
  const ParameterGroups groups("bn1.bias:decay=1", "weights", 0.5);
  for (const Slot& slot : parameters.slots()) {
    const bool decays =
        slot.name == "bn1.bias" || (slot.name.ends_with("weight") && slot.name != "bn1.weight");
    EXPECT_EQ(groups.settings(slot).decay, decays ? 0.5 : 0) << slot.name;
  }
}

TEST(Groups, OneStretchWhereAllAgree) {
  const Graph graph = golden_net();
  const Parameters parameters(graph);
  const std::vector<Stretch> all = ParameterGroups("none", "all", 0.5).stretches(parameters);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].first, 0);
  EXPECT_EQ(all[0].last, parameters.slots().back().offset + parameters.slots().back().size);
  const auto not_conv2 = [&](size_t i) { return parameters.slots()[i].name != "conv2.weight"; };
  const std::vector<Stretch> two = ParameterGroups("none", "all", 0.5).stretches(parameters, not_conv2);
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[1].first, parameters.slots()[5].offset);
}

/// Stretches shorter and longer than chunks: every number once.
TEST(Groups, PiecesCoverEveryNumberOnce) {
  GraphBuilder net("test", {1, 1, 1});
  Value x = net.flatten(net.input());
  for (const int64_t width : {5, 20'000, 3, 1, 16'384})
    x = net.linear("fc" + std::to_string(width), x, width);
  const Graph graph = net.finish(x);
  FakeEngine engine(graph);
  const ParameterGroups groups("*:lr=3,fc20000.*:lr=1,fc1.weight:lr=2", "weights", 1);
  const std::vector<Stretch> stretches = groups.stretches(engine.parameters());
  std::vector<double> seen(engine.parameters().weights().size(), -1);
  for_each_piece(engine, stretches, [&](int64_t first, int64_t last, const GroupSettings& group) {
    for (int64_t i = first; i < last; ++i) {
      EXPECT_EQ(seen[static_cast<size_t>(i)], -1);
      seen[static_cast<size_t>(i)] = 10 * group.lr + group.decay;
    }
  });
  for (const Slot& slot : engine.parameters().slots()) {
    const GroupSettings expected = groups.settings(slot);
    for (int64_t i = slot.offset; i < slot.offset + slot.size; ++i) {
      ASSERT_EQ(seen[static_cast<size_t>(i)], 10 * expected.lr + expected.decay) << slot.name;
    }
  }
}

TEST(Groups, FaultsAreUsageErrors) {
  const Graph graph = golden_net();
  const auto error_of = [&](const std::string& groups, const std::string& decay) -> std::string {
    try {
      ParameterGroups(groups, decay, 0.1).check(Parameters(graph).slots());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(error_of("*.bias:decay=0", "weights"), "");
  EXPECT_THAT(error_of("none", "some"), HasSubstr("--decay: 'some' is none of all, weights"));
  EXPECT_THAT(error_of("fc1", "all"), AllOf(HasSubstr("--groups"), HasSubstr("sets nothing")));
  EXPECT_THAT(error_of("fc1.*:rate=2", "all"), HasSubstr("--groups: fc1.*: unknown option 'rate'"));
  EXPECT_THAT(error_of("fc1.*:lr=-1", "all"), HasSubstr("--groups: fc1.*: lr must be"));
  EXPECT_THAT(error_of("fc1.*:decay=x", "all"), HasSubstr("--groups: fc1.*:decay"));
  EXPECT_THAT(error_of("fc3.*:lr=0", "all"),
              AllOf(HasSubstr("fits 'fc3.*'"), HasSubstr("there are conv1.weight, conv1.bias"),
                    HasSubstr("fc2.bias")));
}

/// Settings of what is not trained would go unnoticed.
TEST(Groups, AFrozenParameterFitsNoPattern) {
  GraphBuilder net("test", {2, 2, 3});
  const Value x = net.conv2d("stem", net.input(), 5, {.kernel = 2, .trainable = false});
  const Parameters parameters(net.finish(net.linear("fc", x, 5)));
  EXPECT_THROW(ParameterGroups("stem.weight:lr=2", "all", 0).check(parameters.slots()), Error);
  EXPECT_NO_THROW(ParameterGroups("stem.*:lr=2", "all", 0).check(parameters.slots()));
  EXPECT_EQ(ParameterGroups("none", "all", 0).stretches(parameters)[0].first, parameters.slots()[1].offset);
}

}  // namespace
}  // namespace frugal

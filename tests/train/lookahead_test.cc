#include "train/lookahead.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "fake_engine.h"
#include "golden_net.h"

namespace frugal {
namespace {

TEST(Lookahead, FollowsThePaper) {
  const auto golden = read_golden("lookahead.json");
  ASSERT_EQ(golden["cases"].size(), 2u);
  const Graph graph = golden_net();
  for (const auto& expected : golden["cases"]) {
    FakeEngine engine(graph);
    Parameters& parameters = engine.parameters();
    const auto optimizer = make_optimizer(expected["optimizer"],
                                          {.momentum = expected["momentum"],
                                           .weight_decay = expected["weight_decay"],
                                           .lookahead = expected["lookahead"]},
                                          engine, graph);
    set_golden_weights(parameters);  // after it is made, as the trainer does
    const int64_t steps = expected["steps"];
    for (int step = 1; step <= steps; ++step) {
      set_golden_gradients(parameters, step);
      optimizer->step(engine, expected["lr"]);
    }
    expect_golden_weights(parameters, expected["weights"], expected["optimizer"]);
    EXPECT_EQ(optimizer->steps(), steps);
  }
}

TEST(Lookahead, SlowWeightsAreTheLastState) {
  const Graph graph = golden_net();
  FakeEngine engine(graph);
  Parameters& parameters = engine.parameters();
  const auto optimizer = make_optimizer("adam", {.lookahead = "2"}, engine, graph);
  set_golden_weights(parameters);
  const float before = parameters.weights()[0];
  ASSERT_EQ(parameters.states(), 3u);
  set_golden_gradients(parameters, 1);
  optimizer->step(engine, 0.1);
  EXPECT_EQ(parameters.state(2)[0], before);
  EXPECT_NE(parameters.weights()[0], before);
  optimizer->step(engine, 0.1);
  EXPECT_EQ(parameters.state(2)[0], parameters.weights()[0]);
}

TEST(Lookahead, RefusesWhatItDoesNotKnow) {
  for (const char* text :
       {"", "0", "-1", "1.5", "five", "5:alpha=0", "5:alpha=1.1", "5:k=2", "5:0.5", "5,6"}) {
    EXPECT_THROW(parse_lookahead(text), Error) << text;
  }
  EXPECT_EQ(parse_lookahead("none").every, 0);
  EXPECT_EQ(parse_lookahead("7").every, 7);
  EXPECT_EQ(parse_lookahead("7:alpha=1").alpha, 1);
}

}  // namespace
}  // namespace frugal

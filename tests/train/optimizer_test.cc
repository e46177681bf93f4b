#include "train/optimizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "fake_engine.h"
#include "golden_input.h"
#include "graph/builder.h"
#include "train/loss.h"

namespace frugal {
namespace {

constexpr int64_t count = 20'001;  // two chunks, and an end that no vector divides

Graph test_graph() {
  GraphBuilder net("test", {1, 1, 1});
  return net.finish(net.linear("fc", net.flatten(net.input()), count, false));
}

void set_gradient(Parameters& parameters, int step) {
  std::ranges::copy(golden_floats(100 + static_cast<uint32_t>(step), count, 1),
                    parameters.gradient(0).begin());
}

/// Adam as its paper states it (algorithm 1), one number after the other in double.
TEST(Optimizer, AdamFollowsThePaper) {
  const Graph graph = test_graph();
  FakeEngine engine(graph);
  Parameters& parameters = engine.parameters();
  const auto adam = make_optimizer("adam", {}, engine, graph);
  std::ranges::copy(golden_floats(99, count, 1), parameters.weight(0).begin());
  const std::span<float> weights = parameters.weight(0);
  std::vector<double> w(weights.begin(), weights.end()), m(w.size()), v(w.size());
  for (int t = 1; t <= 12; ++t) {
    set_gradient(parameters, t);
    const std::span<float> g = parameters.gradient(0);
    for (size_t i = 0; i < w.size(); ++i) {
      m[i] = 0.9 * m[i] + 0.1 * g[i];
      v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
      w[i] -= 0.01 * (m[i] / (1 - std::pow(0.9, t))) / (std::sqrt(v[i] / (1 - std::pow(0.999, t))) + 1e-8);
    }
    adam->step(engine, 0.01);
  }
  for (size_t i = 0; i < w.size(); ++i) ASSERT_NEAR(parameters.weight(0)[i], w[i], 2e-6) << i;
}

/// What thaws after five steps of the others takes the steps of an Adam of its own, as in PyTorch, where a
/// parameter without a gradient has no state; and goes on from a checkpoint to the same bits.
TEST(Optimizer, AdamOfWhatThawsLateBeginsThen) {
  for (const std::string spec : {"adam", "adamw"}) {
    GraphBuilder net("test", {1, 1, 1});
    Graph graph =
        net.finish(net.linear("fc2", net.linear("fc1", net.flatten(net.input()), 40, false), 30, false));
    Graph frozen = graph;
    frozen.parameters[0].trainable = false;
    const OptimizerOptions options{.weight_decay = 0.01};
    const auto fill = [](Parameters& parameters) {
      for (int i = 0; i < 2; ++i) {
        const std::span<float> weight = parameters.weight(i);
        std::ranges::copy(golden_floats(90 + static_cast<uint32_t>(i), weight.size(), 1), weight.begin());
      }
    };
    const auto gradients = [](Parameters& parameters, int step) {
      for (int i = 0; i < 2; ++i) {
        const std::span<float> gradient = parameters.gradient(i);
        std::ranges::copy(golden_floats(static_cast<uint32_t>(100 + 2 * step + i), gradient.size(), 1),
                          gradient.begin());
      }
    };
    FakeEngine late(graph), alone(graph), again(graph);
    const auto optimizer = make_optimizer(spec, options, late, graph);
    const auto own = make_optimizer(spec, options, alone, graph);
    fill(late.parameters());
    fill(alone.parameters());
    optimizer->train_only(late.parameters(), frozen);
    const std::vector<float> before(late.parameters().weight(0).begin(), late.parameters().weight(0).end());
    for (int step = 0; step < 12; ++step) {
      if (step == 5) {
        EXPECT_TRUE(std::ranges::equal(late.parameters().weight(0), before));
        optimizer->train_only(late.parameters(), graph);
      }
      gradients(late.parameters(), step);
      optimizer->step(late, 0.01);
      if (step < 5) continue;
      gradients(alone.parameters(), step);
      own->step(alone, 0.01);
      ASSERT_TRUE(std::ranges::equal(late.parameters().weight(0), alone.parameters().weight(0)))
          << spec << step;
    }

    const auto resumed = make_optimizer(spec, options, again, graph);
    std::ranges::copy(late.parameters().all_weights(), again.parameters().all_weights().begin());
    for (size_t i = 0; i < late.parameters().states(); ++i) {
      std::ranges::copy(late.parameters().state(i), again.parameters().state(i).begin());
    }
    resumed->set_steps(0);
    resumed->train_only(again.parameters(), frozen);
    resumed->set_steps(5);
    resumed->train_only(again.parameters(), graph);
    resumed->set_steps(12);
    for (int step = 12; step < 15; ++step) {
      gradients(late.parameters(), step);
      gradients(again.parameters(), step);
      optimizer->step(late, 0.01);
      resumed->step(again, 0.01);
    }
    EXPECT_TRUE(std::ranges::equal(late.parameters().weights(), again.parameters().weights()));
  }
}

TEST(Optimizer, SgdFollowsItsFormulaToTheEndOfTheBlock) {
  for (const bool nesterov : {false, true}) {
    const Graph graph = test_graph();
    FakeEngine engine(graph);
    Parameters& parameters = engine.parameters();
    const auto sgd = make_optimizer(nesterov ? "sgd:nesterov=true" : "sgd", {0.9, 0.01}, engine, graph);
    std::ranges::copy(golden_floats(99, count, 1), parameters.weight(0).begin());
    const std::span<float> weights = parameters.weight(0);
    std::vector<double> w(weights.begin(), weights.end()), b(w.size());
    for (int t = 1; t <= 12; ++t) {
      set_gradient(parameters, t);
      for (size_t i = 0; i < w.size(); ++i) {
        const double g = parameters.gradient(0)[i] + 0.01 * w[i];
        b[i] = t == 1 ? g : 0.9 * b[i] + g;
        w[i] -= 0.1 * (nesterov ? g + 0.9 * b[i] : b[i]);
      }
      sgd->step(engine, 0.1);
    }
    for (size_t i = 0; i < w.size(); ++i) ASSERT_NEAR(parameters.weight(0)[i], w[i], 1e-5) << i;
  }
}

/// Weights, states and a number of steps are all that a checkpoint holds; going on from them gives the same
/// bits.
TEST(Optimizer, GoesOnFromItsStatesToTheSameBits) {
  for (const auto& [spec, lookahead] : std::vector<std::pair<std::string, std::string>>{
           {"sgd", "none"}, {"adam", "none"}, {"adamw", "none"}, {"adam", "2"}, {"sgd", "5"}}) {
    const Graph graph = test_graph();
    FakeEngine whole(graph), part(graph);
    const OptimizerOptions options{.momentum = 0.9, .weight_decay = 0.01, .lookahead = lookahead};
    const auto first = make_optimizer(spec, options, whole, graph);
    std::ranges::copy(golden_floats(99, count, 1), whole.parameters().weight(0).begin());
    for (int t = 1; t <= 6; ++t) {
      if (t == 4) {
        std::ranges::copy(whole.parameters().weights(), part.parameters().weights().begin());
      }
      if (t < 4) {
        set_gradient(whole.parameters(), t);
        first->step(whole, 0.1);
      }
    }
    const auto second = make_optimizer(spec, options, part, graph);
    ASSERT_EQ(part.parameters().states(), whole.parameters().states());
    for (size_t s = 0; s < whole.parameters().states(); ++s) {
      std::ranges::copy(whole.parameters().state(s), part.parameters().state(s).begin());
    }
    second->set_steps(first->steps());
    for (int t = 4; t <= 6; ++t) {
      set_gradient(whole.parameters(), t);
      set_gradient(part.parameters(), t);
      first->step(whole, 0.1);
      second->step(part, 0.1);
    }
    const std::span<float> a = whole.parameters().weights(), b = part.parameters().weights();
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size_bytes()), 0) << spec << " " << lookahead;
  }
}

TEST(Optimizer, GapsBetweenTensorsStayZero) {
  GraphBuilder net("test", {1, 1, 3});
  const Graph graph = net.finish(net.linear("fc", net.flatten(net.input()), 5));
  for (const char* spec : {"sgd", "adam:eps=1.2e-38", "adamw"}) {
    FakeEngine engine(graph);
    Parameters& parameters = engine.parameters();
    const auto optimizer = make_optimizer(spec, {0.9, 0.1}, engine, graph);
    parameters.initialise(1);
    for (int step = 0; step < 3; ++step) optimizer->step(engine, 0.1);
    EXPECT_EQ(parameters.weights()[15], 0) << spec;
    EXPECT_EQ(parameters.weights().back(), 0) << spec;
  }
}

/// Whatever stands in its gradient, and however strong the decay.
TEST(Optimizer, LeavesAFrozenParameterAlone) {
  GraphBuilder net("test", {2, 2, 3});
  const Value x = net.conv2d("stem", net.input(), 5, {.kernel = 2, .trainable = false});
  const Graph graph = net.finish(net.linear("fc", x, 5));
  for (const char* spec : {"sgd", "sgd:nesterov=true", "adam", "adamw"}) {
    FakeEngine engine(graph);
    Parameters& parameters = engine.parameters();
    const auto optimizer = make_optimizer(spec, {0.9, 0.1}, engine, graph);
    parameters.initialise(1);
    const std::vector<float> before(parameters.all_weights().begin(), parameters.all_weights().end());
    Loss loss = parse_loss("ce + 0.1*l2");
    for (int step = 0; step < 3; ++step) {
      for (int i = 0; i < 4; ++i) std::ranges::fill(parameters.gradient(i), 1.0f);
      loss.add_penalties(engine);
      EXPECT_EQ(parameters.gradient(0)[0], 1.0f) << "no penalty pulls at it";
      optimizer->step(engine, 0.1);
    }
    for (int i = 0; i < 4; ++i) {
      const auto offset = static_cast<size_t>(parameters.slots()[static_cast<size_t>(i)].offset);
      for (size_t k = 0; k < parameters.weight(i).size(); ++k) {
        EXPECT_EQ(parameters.weight(i)[k] == before[offset + k], i == 0) << spec << " " << i;
      }
    }
  }
}

TEST(Optimizer, RefusesWhatItDoesNotKnow) {
  const auto code_of = [](const char* spec, const OptimizerOptions& options) {
    try {
      check_optimizer(spec, options);
    } catch (const Error& error) {
      return error.code();
    }
    return ExitCode::done;
  };
  for (const char* spec : {"", "lion", "muon:momentum=1", "muon:ns_steps=0", "muon:sgd_lr=-1",
                           "muon:beta1=0.9", "sgd:momentum=0.9", "adam:beta1=1", "adam:beta2=-1",
                           "adam:eps=0", "adamw:eps=x", "sgd:nesterov=perhaps", "adam:nesterov=true"}) {
    EXPECT_EQ(code_of(spec, {0.9, 0}), ExitCode::usage) << spec;
  }
  EXPECT_EQ(code_of("sgd:nesterov=true", {0, 0}), ExitCode::usage);
  EXPECT_EQ(code_of("sgd", {1, 0}), ExitCode::usage);
  EXPECT_EQ(code_of("sgd", {0, -1}), ExitCode::usage);
  EXPECT_EQ(code_of("sgd", {0, std::nan("")}), ExitCode::usage);
  EXPECT_EQ(code_of("adam:beta1=0.8,beta2=0.9,eps=1e-6", {0, 0}), ExitCode::done);
}

}  // namespace
}  // namespace frugal

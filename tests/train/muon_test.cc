#include "train/muon.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "fake_engine.h"
#include "golden_net.h"
#include "graph/presets.h"
#include "train/eigen.h"
#include "train/newton_schulz.h"

namespace frugal {
namespace {

using ::testing::ElementsAre;

class Bf16Engine : public FakeEngine {
 public:
  using FakeEngine::FakeEngine;
  Precision precision() const override { return Precision::bf16; }
};

void run_golden(Engine& engine, const Graph& graph, const nlohmann::json& expected) {
  const auto optimizer =
      make_optimizer(expected["optimizer"], {expected["momentum"], expected["weight_decay"]}, engine, graph);
  ASSERT_EQ(engine.parameters().states(), 1u);
  set_golden_weights(engine.parameters());
  for (int step = 1; step <= expected["steps"].get<int>(); ++step) {
    set_golden_gradients(engine.parameters(), step);
    optimizer->step(engine, expected["lr"]);
  }
}

TEST(Muon, IsItsAuthors) {
  const auto golden = read_golden("muon.json");
  ASSERT_EQ(golden["cases"].size(), 3u);
  const Graph graph = golden_net();
  for (const auto& expected : golden["cases"]) {
    FakeEngine engine(graph);
    run_golden(engine, graph, expected);
    expect_golden_weights(engine.parameters(), expected["weights"], expected["optimizer"]);
  }
}

/// In bf16 as exact as the definition's own bf16, here in fp32 products of rounded operands where the
/// processor has no bf16.
TEST(Muon, IsItsAuthorsInBf16) {
  const auto golden = read_golden("muon.json");
  const Graph graph = golden_net();
  for (const auto& expected : golden["cases"]) {
    Bf16Engine engine(graph);
    run_golden(engine, graph, expected);
    for (const int p : muon_parameters(graph)) {
      const auto& tensor = expected["weights"][engine.parameters().slots()[static_cast<size_t>(p)].name];
      const double error = relative_error(engine.parameters().weight(p), tensor["values"]);
      EXPECT_LE(error, 1.5 * tensor["bf16_error"].get<double>()) << expected["optimizer"];
      EXPECT_GT(error, 1e-5) << "this was no bf16";
    }
  }
}

TEST(Muon, TakesMatricesWithinTheNetwork) {
  const auto names = [](const Graph& graph) {
    std::vector<std::string> names;
    for (const int p : muon_parameters(graph)) names.push_back(graph.parameters[static_cast<size_t>(p)].name);
    return names;
  };
  EXPECT_THAT(names(golden_net()), ElementsAre("conv2.weight", "fc1.weight"));
  GraphBuilder net("test", {8, 8, 3});
  Value x = net.conv2d("stem", net.input(), 8, {.trainable = false});
  x = net.conv2d("frozen", x, 8, {.trainable = false});
  x = net.conv2d("depthwise", x, 8, {.groups = 8});
  x = net.conv2d("pointwise", x, 4, {.kernel = 1});
  EXPECT_THAT(names(net.finish(net.linear("fc", net.flatten(x), 3))), ElementsAre("pointwise.weight"));
  GraphBuilder shallow("test", {1, 1, 3});
  EXPECT_THAT(names(shallow.finish(shallow.linear("fc", shallow.flatten(shallow.input()), 3))),
              ElementsAre());
  const std::vector<std::string> airbench = names(make_model("airbench94", {32, 32, 3}, 10));
  EXPECT_EQ(airbench.size(), 6u) << "all convolutions but the one that whitens";
}

/// Singular values are where the polynomial leads all of them that are not tiny.
void expect_orthogonal(int64_t rows, int64_t columns, bool bf16) {
  NewtonSchulz iteration(rows, columns, 5, bf16);
  const int64_t side = std::min(rows, columns), other = std::max(rows, columns);
  std::ranges::copy(golden_floats(7, static_cast<size_t>(rows * columns), 1), iteration.matrix().begin());
  iteration.run();
  const std::span<float> x = iteration.matrix();
  const auto at = [&](int64_t i, int64_t k) {
    return static_cast<double>(x[static_cast<size_t>(rows <= columns ? i * columns + k : k * columns + i)]);
  };
  std::vector<double> gram;
  for (int64_t i = 0; i < side; ++i) {
    for (int64_t j = 0; j < side; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < other; ++k) sum += at(i, k) * at(j, k);
      gram.push_back(sum);
    }
  }
  for (const double value : symmetric_eigen(gram, side).values) {
    EXPECT_GT(std::sqrt(value), 0.65) << rows << "x" << columns;
    EXPECT_LT(std::sqrt(value), 1.25) << rows << "x" << columns;
  }
}

TEST(NewtonSchulz, MakesSingularValuesNearlyOne) {
  for (const bool bf16 : {false, true}) {
    expect_orthogonal(16, 144, bf16);
    expect_orthogonal(144, 16, bf16);
    expect_orthogonal(24, 64, bf16);
    expect_orthogonal(1, 10, bf16);
    expect_orthogonal(33, 200, bf16);
  }
}

TEST(NewtonSchulz, ZeroStaysZero) {
  NewtonSchulz iteration(3, 5, 5, false);
  iteration.run();
  for (const float value : iteration.matrix()) EXPECT_EQ(value, 0);
}

/// Also within Lookahead: weights, states and steps are all that there is.
TEST(Muon, GoesOnFromItsStatesToTheSameBits) {
  const Graph graph = golden_net();
  FakeEngine whole(graph), part(graph);
  const OptimizerOptions options{.momentum = 0.9, .weight_decay = 0.01, .lookahead = "3"};
  const auto first = make_optimizer("muon", options, whole, graph);
  const auto second = make_optimizer("muon", options, part, graph);
  set_golden_weights(whole.parameters());
  for (int step = 1; step <= 5; ++step) {
    if (step == 3) {
      std::ranges::copy(whole.parameters().weights(), part.parameters().weights().begin());
      ASSERT_EQ(part.parameters().states(), 2u);
      for (size_t s = 0; s < 2; ++s) {
        std::ranges::copy(whole.parameters().state(s), part.parameters().state(s).begin());
      }
      second->set_steps(first->steps());
    }
    set_golden_gradients(whole.parameters(), step);
    set_golden_gradients(part.parameters(), step);
    first->step(whole, 0.1);
    if (step >= 3) second->step(part, 0.1);
  }
  const std::span<float> a = whole.parameters().weights(), b = part.parameters().weights();
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size_bytes()), 0);
}

TEST(Muon, HeedsGroups) {
  const Graph graph = golden_net();
  FakeEngine grouped(graph), plain(graph);
  const OptimizerOptions options{.weight_decay = 0.5,
                                 .groups = "conv2.weight:lr=0,fc1.weight:lr=0.5,decay=4"};
  const auto first = make_optimizer("muon", options, grouped, graph);
  const auto second = make_optimizer("muon", {.weight_decay = 2}, plain, graph);
  for (FakeEngine* engine : {&grouped, &plain}) {
    set_golden_weights(engine->parameters());
    set_golden_gradients(engine->parameters(), 1);
  }
  first->step(grouped, 0.1);
  second->step(plain, 0.05);
  const int conv2 = 4, fc1 = 6;
  const std::vector<float> before = golden_floats(4000 + conv2, grouped.parameters().weight(conv2).size(), 1);
  EXPECT_LT(relative_error(grouped.parameters().weight(conv2), {before.begin(), before.end()}), 1e-12);
  const std::span<float> expected = plain.parameters().weight(fc1);
  EXPECT_LT(relative_error(grouped.parameters().weight(fc1), {expected.begin(), expected.end()}), 1e-6);
}

/// A real engine with threads of its own; weights, and the state, after three steps.
std::vector<float> bits_of(int threads) {
  GraphBuilder net("test", {8, 8, 3});
  Value x = net.conv2d("conv1", net.input(), 16);
  x = net.conv2d("conv2", x, 40);
  x = net.conv2d("conv3", x, 24);
  const Graph graph = net.finish(net.linear("fc2", net.linear("fc1", net.flatten(x), 90), 7));
  const auto engine = make_shard_engine(graph, {.threads = threads, .batch = 4});
  const auto optimizer = make_optimizer("muon", {0.9, 0.01}, *engine, graph);
  Parameters& parameters = engine->parameters();
  set_golden_weights(parameters);
  for (int step = 1; step <= 3; ++step) {
    set_golden_gradients(parameters, step);
    optimizer->step(*engine, 0.02);
  }
  std::vector<float> all(parameters.weights().begin(), parameters.weights().end());
  all.insert(all.end(), parameters.state(0).begin(), parameters.state(0).end());
  return all;
}

TEST(Muon, SameBitsOnAnyNumberOfThreads) {
  const std::vector<float> one = bits_of(1);
  for (const int threads : {2, 3, 5}) {
    const std::vector<float> other = bits_of(threads);
    EXPECT_EQ(std::memcmp(one.data(), other.data(), one.size() * sizeof(float)), 0) << threads;
  }
}

}  // namespace
}  // namespace frugal

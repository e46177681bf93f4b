// Which buffers values and gradients share must not change what comes out.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/philox.h"
#include "golden_batch.h"
#include "graph/builder.h"

namespace frugal {
namespace {

constexpr int64_t batch_size = 7, shard = 4;

std::vector<float> gradients_of(const Graph& graph, Precision precision, BatchNormMode mode) {
  const auto engine = make_shard_engine(
      graph, {.threads = 1, .batch = batch_size, .shard = shard, .precision = precision, .batch_norm = mode});
  engine->parameters().initialise(3);
  engine->weights_changed();
  golden::MemoryBatch batch = golden::random_batch(graph, batch_size, 0);
  for (uint32_t step = 0; step < 2; ++step) {
    engine->train_step(batch, golden::TestLoss(batch), {1, 2, 3});  // the second finds the first's leavings
  }
  std::vector<float> gradients;
  for (size_t p = 0; p < graph.parameters.size(); ++p) {
    const std::span<const float> g = engine->parameters().gradient(static_cast<int>(p));
    gradients.insert(gradients.end(), g.begin(), g.end());
  }
  return gradients;
}

void expect_close(const std::vector<float>& found, const std::vector<float>& expected, float part) {
  ASSERT_EQ(found.size(), expected.size());
  float largest = 0, difference = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    // Not max(): what is no number must not be passed over.
    if (!(std::abs(found[i] - expected[i]) <= difference)) difference = std::abs(found[i] - expected[i]);
  }
  EXPECT_GT(largest, 0);
  EXPECT_LE(difference, part * largest);
}

/// A random graph of convolutions (or dense layers), norms, activations and many additions. `apart` puts a
/// multiplication by one before every input of an addition: then no value shares its gradient's buffer with
/// another, and the numbers are the same.
Graph random_graph(uint32_t seed, bool apart) {
  const RandomStream random(seed, Purpose::test, 0);
  uint32_t drawn = 0;
  const auto below = [&](size_t limit) {
    return uniform_below(random.word(0, drawn++), static_cast<uint32_t>(limit));
  };
  const bool flat = below(4) == 0;
  GraphBuilder net("random", flat ? Shape{1, 1, 6} : Shape{4, 5, 3});
  std::vector<Value> values;
  std::vector<bool> used;
  int names = 0;
  const auto name = [&] { return "n" + std::to_string(names++); };
  const auto read = [&](size_t i) {
    used[i] = true;
    return values[i];
  };
  const auto summand = [&](Value v) { return apart ? net.multiply(v, 1.0f) : v; };
  const auto weigh = [&](Value v) {
    return flat ? net.linear(name(), v, 8) : net.conv2d(name(), v, 8, {.kernel = 3, .padding = 1});
  };
  const auto keep = [&](Value v) { values.push_back(v), used.push_back(false); };
  // The one before, or one that nothing reads yet, or any.
  const auto pick = [&]() -> size_t {
    if (below(5) < 2) return values.size() - 1;
    if (below(2) == 0) {
      for (int tries = 0; tries < 8; ++tries) {
        if (const size_t i = below(values.size()); !used[i]) return i;
      }
    }
    return below(values.size());
  };
  keep(weigh(net.input()));
  for (const size_t size = 5 + below(9); values.size() < size;) {
    const size_t a = pick(), b = pick();
    switch (below(12)) {
      case 0:
      case 1:
      case 2:
        keep(weigh(read(a)));
        break;
      case 3:
        keep(net.relu(read(a)));
        break;
      case 4:
        keep(net.batch_norm(name(), read(a)));
        break;
      case 5:
        keep(net.activation(read(a), Activation::silu));
        break;
      case 6:
        keep(net.prelu(name(), read(a)));
        break;
      case 7:
        keep(net.group_norm(name(), read(a), 2));
        break;
      default: {
        const Value one = summand(read(a)), other = summand(read(b));
        keep(net.add(one, other));
      }
    }
  }
  std::vector<Value> ends;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!used[i]) ends.push_back(values[i]);
  }
  Value x = ends[0];
  const bool sum = below(2) == 0;
  for (size_t i = 1; sum && i < ends.size(); ++i) {
    const Value one = summand(x), other = summand(ends[i]);
    x = net.add(one, other);
  }
  if (!sum && ends.size() > 1) x = net.concat(ends);
  if (!flat) x = net.adaptive_avg_pool(x);
  return net.finish(net.linear("fc", x, 5));
}

TEST(Planner, SharedBuffersChangeNoGradient) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    for (const BatchNormMode mode : {BatchNormMode::ghost, BatchNormMode::sync}) {
      SCOPED_TRACE("graph " + std::to_string(seed) + (mode == BatchNormMode::sync ? ", sync" : ", ghost"));
      expect_close(gradients_of(random_graph(seed, false), Precision::fp32, mode),
                   gradients_of(random_graph(seed, true), Precision::fp32, mode), 1e-4f);
      if (HasFailure()) return;
    }
  }
}

/// The skip is read by the sum alone, and made before what the other side masks in place.
TEST(Planner, AMaskBesideASkipLeavesItsGradientAlone) {
  const auto graph = [](bool apart, bool flat) {
    GraphBuilder net("skip", flat ? Shape{1, 1, 6} : Shape{6, 6, 3});
    const auto weigh = [&](const char* name, Value v) {
      return flat ? net.linear(name, v, 8) : net.conv2d(name, v, 8, {.kernel = 3, .padding = 1});
    };
    const Value x = net.relu(weigh("stem", net.input())), skip = weigh("skip", x);
    const Value masked = net.relu(net.add(weigh("a", x), weigh("b", x)));
    const Value sum = net.add(apart ? net.multiply(skip, 1.0f) : skip, masked);
    return net.finish(net.linear("fc", flat ? sum : net.adaptive_avg_pool(sum), 5));
  };
  for (const bool flat : {false, true}) {
    expect_close(gradients_of(graph(false, flat), Precision::fp32, BatchNormMode::ghost),
                 gradients_of(graph(true, flat), Precision::fp32, BatchNormMode::ghost), 1e-5f);
  }
}

TEST(Planner, LogitsMayHaveSeveralNames) {
  if (!machine_info().bf16) GTEST_SKIP() << "this processor has no bf16";
  GraphBuilder net("names", {4, 4, 3});
  const Value x = net.linear("fc", net.flatten(net.input()), 5);
  const Graph graph = net.finish(net.flatten(net.flatten(x)));
  expect_close(gradients_of(graph, Precision::bf16, BatchNormMode::ghost),
               gradients_of(graph, Precision::fp32, BatchNormMode::ghost), 0.02f);
}

/// oneDNN 2.6.3 in bf16 took what lay in its scratch for the padding of images narrower than the stride.
TEST(Planner, WhatLiesInScratchReachesNoGradient) {
  if (!machine_info().bf16) GTEST_SKIP() << "this processor has no bf16";
  for (const int groups : {1, 16}) {
    GraphBuilder net("narrow", {8, 1, 16});
    const Value x =
        net.conv2d("c", net.input(), 16, {.kernel = 3, .stride = 2, .padding = 1, .groups = groups});
    const Graph graph = net.finish(net.linear("fc", net.flatten(x), 5));
    const std::vector<float> expected = gradients_of(graph, Precision::fp32, BatchNormMode::ghost);
    mallopt(M_PERTURB, 0x5A);
    const std::vector<float> found = gradients_of(graph, Precision::bf16, BatchNormMode::ghost);
    mallopt(M_PERTURB, 0);
    expect_close(found, expected, 0.05f);
  }
}

/// Fails once, in the second of three shards.
struct FailingBatch : golden::MemoryBatch {
  explicit FailingBatch(golden::MemoryBatch batch) : golden::MemoryBatch(std::move(batch)) {}
  void fill(int64_t first, const TensorView& images) override {
    if (first == shard && !std::exchange(failed, true)) throw std::runtime_error("no image");
    golden::MemoryBatch::fill(first, images);
  }
  bool failed = false;
};

TEST(Engine, AStepThatFailedLeavesNothingToTheNext) {
  GraphBuilder net("net", {4, 4, 3});
  const Value x = net.relu(net.batch_norm("bn", net.conv2d("c", net.input(), 8, {.kernel = 3})));
  const Graph graph = net.finish(net.linear("fc", net.flatten(x), 5));
  const auto gradients = [&](bool fail) {
    const auto engine = make_shard_engine(graph, {.threads = 1, .batch = 3 * shard, .shard = shard});
    engine->parameters().initialise(3);
    engine->weights_changed();
    FailingBatch batch(golden::random_batch(graph, 3 * shard, 0));
    batch.failed = !fail;
    if (fail) {
      EXPECT_THROW(engine->train_step(batch, golden::TestLoss(batch), {1, 2, 3}), std::runtime_error);
    }
    engine->train_step(batch, golden::TestLoss(batch), {1, 2, 3});
    return std::vector<float>(engine->parameters().gradients().begin(),
                              engine->parameters().gradients().end());
  };
  EXPECT_EQ(gradients(true), gradients(false));
}

TEST(Planner, ALastBatchOfOneImageLeavesTheRunningVarianceAlone) {
  GraphBuilder net("flat", {1, 1, 6});
  const Value x = net.batch_norm("bn", net.linear("a", net.input(), 8));
  const Graph graph = net.finish(net.linear("fc", net.relu(x), 5));
  const auto engine = make_shard_engine(graph, {.threads = 1, .batch = 4, .shard = 4});
  engine->parameters().initialise(3);
  engine->weights_changed();
  golden::MemoryBatch one = golden::random_batch(graph, 1, 0);
  const std::vector<float> before(engine->parameters().buffer(1).begin(),
                                  engine->parameters().buffer(1).end());
  engine->train_step(one, golden::TestLoss(one), {1, 2, 3});
  EXPECT_TRUE(std::ranges::equal(before, engine->parameters().buffer(1)));
}

}  // namespace
}  // namespace frugal

#include "train/ema.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "fake_engine.h"
#include "golden_net.h"

namespace frugal {
namespace {

/// Weights of step s are the golden's gradients of that step; buffers, numbers by the same rule.
void set_step(Parameters& parameters, int step) {
  set_golden_gradients(parameters, step);
  std::ranges::copy(parameters.gradients(), parameters.weights().begin());
  for (int i = 0; i < std::ssize(parameters.buffer_slots()); ++i) {
    const std::span<float> buffer = parameters.buffer(i);
    const auto layer = static_cast<uint32_t>(4000 + 100 * step + 50 + i);
    std::ranges::copy(golden_floats(layer, buffer.size(), 1), buffer.begin());
  }
}

TEST(Ema, IsPyTorchsAveragedModel) {
  const auto golden = read_golden("ema.json");
  ASSERT_EQ(golden["cases"].size(), 2u);
  const Graph graph = golden_net();
  for (const auto& expected : golden["cases"]) {
    FakeEngine engine(graph);
    Parameters& parameters = engine.parameters();
    Ema ema(expected["decay"], parameters);
    for (int step = 1; step <= expected["steps"].get<int>(); ++step) {
      set_step(parameters, step);
      ema.update(engine, step);
    }
    ema.swap_with(parameters);
    nlohmann::json weights = expected["values"];
    for (int i = 0; i < std::ssize(parameters.buffer_slots()); ++i) {
      const std::string& name = parameters.buffer_slots()[static_cast<size_t>(i)].name;
      // Four numbers after six roundings: luck decides by how little PyTorch's own fp32 is off.
      const double limit = std::max(3e-7, 3 * weights[name]["fp32_error"].get<double>());
      EXPECT_LE(relative_error(parameters.buffer(i), weights[name]["values"]), limit) << name;
      weights.erase(name);
    }
    expect_golden_weights(parameters, weights, "ema");
  }
}

TEST(Ema, SwapsThereAndBack) {
  const Graph graph = golden_net();
  FakeEngine engine(graph);
  Parameters& parameters = engine.parameters();
  Ema ema(0.9, parameters);
  for (int step = 1; step <= 3; ++step) {
    set_step(parameters, step);
    ema.update(engine, step);
  }
  const std::vector<float> weights(parameters.weights().begin(), parameters.weights().end());
  const std::vector<float> buffers(parameters.buffers().begin(), parameters.buffers().end());
  const std::vector<float> average(ema.weights().begin(), ema.weights().end());
  ema.swap_with(parameters);
  EXPECT_EQ(std::memcmp(parameters.weights().data(), average.data(), average.size() * 4), 0);
  EXPECT_NE(parameters.buffers()[0], buffers[0]);
  ema.swap_with(parameters);
  EXPECT_EQ(std::memcmp(parameters.weights().data(), weights.data(), weights.size() * 4), 0);
  EXPECT_EQ(std::memcmp(parameters.buffers().data(), buffers.data(), buffers.size() * 4), 0);
  EXPECT_EQ(std::memcmp(ema.weights().data(), average.data(), average.size() * 4), 0);
}

/// Its values and the number of steps are all that there is.
TEST(Ema, GoesOnFromItsValuesToTheSameBits) {
  const Graph graph = golden_net();
  FakeEngine engine(graph);
  Ema whole(0.8, engine.parameters()), part(0.8, engine.parameters());
  for (int step = 1; step <= 6; ++step) {
    if (step == 4) {
      std::ranges::copy(whole.weights(), part.weights().begin());
      std::ranges::copy(whole.buffers(), part.buffers().begin());
    }
    set_step(engine.parameters(), step);
    whole.update(engine, step);
    if (step >= 4) part.update(engine, step);
  }
  EXPECT_EQ(std::memcmp(whole.weights().data(), part.weights().data(), whole.weights().size_bytes()), 0);
  EXPECT_EQ(std::memcmp(whole.buffers().data(), part.buffers().data(), whole.buffers().size_bytes()), 0);
}

/// Weights and buffers that end within chunks, and a chunk that holds some of both.
TEST(Ema, ReachesEveryNumber) {
  GraphBuilder net("test", {1, 1, 1});
  Value x = net.conv2d("conv", net.input(), 9'000, {.kernel = 1});
  x = net.batch_norm("bn", x);
  const Graph graph = net.finish(net.linear("fc", net.flatten(x), 2));
  FakeEngine engine(graph);
  Parameters& parameters = engine.parameters();
  Ema ema(0.999, parameters);
  std::ranges::fill(parameters.weights(), 1.0f);
  std::ranges::fill(parameters.buffers(), 1.0f);
  ema.update(engine, 1);
  std::ranges::fill(parameters.weights(), 2.0f);
  std::ranges::fill(parameters.buffers(), 2.0f);
  ema.update(engine, 2);
  const auto expected = static_cast<float>(1 + 9.0 / 11);
  for (const float value : ema.weights()) ASSERT_FLOAT_EQ(value, expected);
  for (const float value : ema.buffers()) ASSERT_FLOAT_EQ(value, expected);
}

TEST(Ema, DecayIsBelowOne) {
  EXPECT_NO_THROW(check_ema(0));
  EXPECT_NO_THROW(check_ema(0.9999));
  for (const double decay : {1.0, -0.1, std::nan("")}) EXPECT_THROW(check_ema(decay), Error);
}

}  // namespace
}  // namespace frugal

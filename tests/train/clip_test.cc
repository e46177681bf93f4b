#include "train/clip.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "fake_engine.h"
#include "golden_net.h"

namespace frugal {
namespace {

TEST(Clip, IsPyTorchs) {
  const auto golden = read_golden("clip.json");
  const Graph graph = golden_net();
  ASSERT_EQ(golden["cases"].size(), 3u);
  for (const auto& expected : golden["cases"]) {
    FakeEngine engine(graph);
    Parameters& parameters = engine.parameters();
    set_golden_gradients(parameters, 1);
    GradientClip clip(expected["max_norm"].get<double>());
    EXPECT_NEAR(clip.apply(engine), expected["norm"].get<double>(), 1e-12 * expected["norm"].get<double>());
    std::ranges::copy(parameters.gradients(), parameters.weights().begin());
    expect_golden_weights(parameters, expected["gradients"], "clip");
  }
}

TEST(Clip, LeavesShortGradientsAsTheyAre) {
  const Graph graph = golden_net();
  for (const double max_norm : {0.0, 1e4}) {
    FakeEngine engine(graph);
    set_golden_gradients(engine.parameters(), 1);
    const std::span<float> gradients = engine.parameters().gradients();
    const std::vector<float> before(gradients.begin(), gradients.end());
    EXPECT_EQ(GradientClip(max_norm).apply(engine) > 0, max_norm > 0);
    EXPECT_EQ(std::memcmp(before.data(), gradients.data(), gradients.size_bytes()), 0);
  }
}

/// Of more chunks than one, and a last one that no vector divides.
TEST(Clip, SumsUpTheWholeBlock) {
  GraphBuilder net("long", {1, 1, 1});
  const Graph graph = net.finish(net.linear("fc", net.flatten(net.input()), 40'003, false));
  FakeEngine engine(graph);
  std::ranges::fill(engine.parameters().gradient(0), 0.5f);
  GradientClip clip(1);
  EXPECT_NEAR(clip.apply(engine), std::sqrt(40'003 * 0.25), 1e-10);
  EXPECT_NEAR(clip.apply(engine), 1, 1e-6);
}

TEST(Clip, TellsOfANormThatIsNotFinite) {
  const Graph graph = golden_net();
  FakeEngine engine(graph);
  set_golden_gradients(engine.parameters(), 1);
  engine.parameters().gradient(2)[0] = std::numeric_limits<float>::infinity();
  const float other = engine.parameters().gradient(0)[0];
  EXPECT_FALSE(std::isfinite(GradientClip(1).apply(engine)));
  EXPECT_EQ(engine.parameters().gradient(0)[0], other);
}

}  // namespace
}  // namespace frugal

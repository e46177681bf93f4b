// Training at another image size than the engine's own: the same parameters, the steps of an engine that was
// made for that size.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "golden_batch.h"
#include "golden_tensor.h"
#include "graph/presets.h"

namespace frugal {
namespace {

Graph small_resnet(int64_t size) { return make_model("resnet20:width=0.5", {size, size, 3}, 10); }

struct Training {
  std::unique_ptr<Engine> engine;
  golden::Sgd sgd{0.05f, 0.9f, 5e-4f, {}};

  Training(const Graph& graph, BatchNormMode mode) {
    engine = make_shard_engine(graph, {.threads = 2, .batch = 20, .shard = 8, .batch_norm = mode});
    engine->parameters().initialise(7);
    engine->weights_changed();
  }
  void step(const Graph& at, uint32_t number) {
    golden::MemoryBatch batch = golden::random_batch(at, 20, number);
    engine->train_step(batch, golden::TestLoss(batch), StepKey{7, 0, number});
    sgd.step(*engine);
  }
  std::vector<float> weights() const {
    const auto all = engine->parameters().all_weights();
    return {all.begin(), all.end()};
  }
  std::vector<float> running() const {
    std::vector<float> all;
    for (size_t i = 0; i < small_resnet(16).buffers.size(); ++i) {
      const auto one = engine->parameters().buffer(static_cast<int>(i));
      all.insert(all.end(), one.begin(), one.end());
    }
    return all;
  }
};

class ImageSize : public testing::TestWithParam<BatchNormMode> {};

TEST_P(ImageSize, StepsAreThoseOfAnEngineForThatSize) {
  Training one(small_resnet(20), GetParam()), own(small_resnet(12), GetParam());
  one.engine->train_at(small_resnet(12));
  for (uint32_t number = 0; number < 3; ++number) {
    one.step(small_resnet(12), number);
    own.step(small_resnet(12), number);
  }
  EXPECT_EQ(one.weights(), own.weights());
  EXPECT_EQ(one.running(), own.running());
}

TEST_P(ImageSize, ComesAndGoes) {
  Training one(small_resnet(20), GetParam()), plain(small_resnet(20), GetParam());
  one.engine->train_at(small_resnet(12));
  one.engine->train_at(small_resnet(20));
  one.step(small_resnet(20), 0);
  plain.step(small_resnet(20), 0);
  EXPECT_EQ(one.weights(), plain.weights());
  one.engine->train_at(small_resnet(12));
  one.step(small_resnet(12), 1);
  // Evaluation stays at the engine's own size.
  golden::MemoryBatch batch = golden::random_batch(small_resnet(20), 9, 5);
  int64_t seen = 0;
  one.engine->evaluate(batch, [&](int64_t, int64_t count, const float*) { seen += count; });
  EXPECT_EQ(seen, 9);
}

INSTANTIATE_TEST_SUITE_P(Modes, ImageSize, testing::Values(BatchNormMode::ghost, BatchNormMode::sync),
                         [](const auto& info) {
                           return std::string(info.param == BatchNormMode::ghost ? "ghost" : "sync");
                         });

TEST(ImageSizes, AnotherNetworkIsRefused) {
  const auto engine = make_shard_engine(smallnet({32, 32, 3}, 10), {.threads = 1, .batch = 4});
  try {
    engine->train_at(smallnet({24, 24, 3}, 10));
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("fc1.weight"), std::string::npos) << error.what();
  }
  EXPECT_THROW(engine->train_at(small_resnet(32)), Error);
}

}  // namespace
}  // namespace frugal

// What a step needs is asked for before it is taken.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "golden_batch.h"
#include "graph/presets.h"

namespace frugal {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// More than any machine holds the activations of; nobody comes to read them.
struct ManyImages : BatchSource {
  explicit ManyImages(int64_t many) : count(many) {}
  int64_t size() const override { return count; }
  void fill(int64_t, const TensorView&) override { ADD_FAILURE(); }
  Targets targets(int64_t) const override { return {}; }
  int64_t count;
};

std::string refusal_of(Engine& engine, int64_t images) {
  ManyImages batch(images);
  golden::MemoryBatch none;
  const golden::TestLoss loss(none);
  try {
    engine.train_step(batch, loss, {});
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(EngineMemory, AStepThatDoesNotFitIsRefused) {
  const Graph graph = make_model("resnet20:width=8", {32, 32, 3}, 10);
  const auto sync = make_shard_engine(graph, {.threads = 2, .batch = 128, .batch_norm = BatchNormMode::sync});
  EXPECT_THAT(refusal_of(*sync, 2'000'000),
              AllOf(HasSubstr("resnet20:width=8: a step of 2,000,000 images needs "),
                    HasSubstr("are free; a smaller --batch, fewer --threads or --batch-norm ghost")));
  // A gradient for each shard.
  const auto ghost = make_shard_engine(graph, {.threads = 2, .batch = 128, .shard = 1});
  EXPECT_THAT(refusal_of(*ghost, 400'000), HasSubstr("of memory are free; a smaller --batch or fewer"));
}

}  // namespace
}  // namespace frugal

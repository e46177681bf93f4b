// A step in steady state allocates nothing of ours.
#include <gtest/gtest.h>

#include "../count_allocations.h"
#include "golden_batch.h"
#include "golden_tensor.h"
#include "graph/presets.h"

#ifdef FRUGAL_COUNTS_ALLOCATIONS

namespace frugal {
namespace {

class Allocation : public testing::TestWithParam<std::tuple<Precision, BatchNormMode>> {};

TEST_P(Allocation, StepsAllocateNothingOnceWarm) {
  const auto& [precision, batch_norm] = GetParam();
  if (precision == Precision::bf16 && !machine_info().bf16) GTEST_SKIP() << "this processor has no bf16";
  const Graph graph = smallnet({16, 16, 3}, 10);
  const auto engine = make_shard_engine(
      graph, {.threads = 2, .batch = 32, .shard = 8, .precision = precision, .batch_norm = batch_norm});
  engine->parameters().initialise(1);
  golden::MemoryBatch full;
  full.shape = graph.input;
  full.images.resize(static_cast<size_t>(32 * graph.input.elements()));
  full.labels = golden::draw_labels(32, 1, 0, 10);
  golden::fill_uniform(full.images, 1, golden::layer_images, 0.5f, 0.5f);
  golden::MemoryBatch last = full;
  last.images.resize(static_cast<size_t>(13 * graph.input.elements()));
  last.labels.resize(13);
  golden::Sgd sgd{0.05f, 0.9f, 0, {}};
  const LogitSink sink = [](int64_t, int64_t, const float*) {};

  const auto epoch = [&] {
    for (golden::MemoryBatch* batch : {&full, &full, &last}) {
      engine->train_step(*batch, golden::TestLoss(*batch), {});
      sgd.step(*engine);
    }
    engine->evaluate(full, sink);
    engine->evaluate(last, sink);
  };
  counting = true;
  epoch();
  EXPECT_GT(allocations.exchange(0), 0) << "nothing is counted";
  epoch();
  allocations = 0;
  epoch();
  counting = false;
  EXPECT_EQ(allocations, 0);
}

INSTANTIATE_TEST_SUITE_P(Nn, Allocation,
                         testing::Combine(testing::Values(Precision::fp32, Precision::bf16),
                                          testing::Values(BatchNormMode::ghost, BatchNormMode::sync)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param) == Precision::bf16 ? "bf16" : "fp32") +
                                  (std::get<1>(info.param) == BatchNormMode::ghost ? "_ghost" : "_sync");
                         });

}  // namespace
}  // namespace frugal

#endif

// What changes the weights allocates nothing once it is warm.
#include <gtest/gtest.h>

#include <algorithm>

#include "../count_allocations.h"
#include "golden_net.h"
#include "train/accumulate.h"
#include "train/clip.h"
#include "train/ema.h"
#include "train/optimizer.h"

#ifdef FRUGAL_COUNTS_ALLOCATIONS

namespace frugal {
namespace {

TEST(Allocation, StepsOfOptimizersAllocateNothingOnceWarm) {
  const Graph graph = golden_net();
  for (const char* spec : {"sgd", "adam", "muon"}) {
    const auto engine = make_shard_engine(graph, {.threads = 2, .batch = 4});
    Parameters& parameters = engine->parameters();
    const auto optimizer = make_optimizer(
        spec, {.momentum = 0.9, .weight_decay = 0.01, .groups = "*.bias:decay=0", .lookahead = "2"}, *engine,
        graph);
    GradientAccumulator accumulator(2, parameters);
    GradientClip clip(0.1);
    Ema ema(0.9, parameters);
    set_golden_weights(parameters);
    int64_t batch = 0;
    const auto steps = [&] {
      for (int i = 0; i < 8; ++i) {
        std::ranges::fill(parameters.gradients(), 0.5f);
        if (!accumulator.add(*engine, batch++, 1000)) continue;
        clip.apply(*engine);
        optimizer->step(*engine, 0.01);
        ema.update(*engine, optimizer->steps());
        ema.swap_with(parameters);
        ema.swap_with(parameters);
      }
    };
    counting = true;
    steps();
    EXPECT_GT(allocations.exchange(0), 0) << "nothing is counted";
    steps();
    counting = false;
    EXPECT_EQ(allocations, 0) << spec;
  }
}

}  // namespace
}  // namespace frugal

#endif

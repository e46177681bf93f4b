#include "train/accumulate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "fake_engine.h"
#include "golden_net.h"
#include "train/loss.h"

namespace frugal {
namespace {

/// Samples [first, first + count) of a data set by rule.
class Part : public BatchSource {
 public:
  Part(int64_t first, int64_t count) : first_(first), count_(count) {}
  int64_t size() const override { return count_; }
  void fill(int64_t first, const TensorView& images) override {
    const int64_t pixels = images.shape[1] * images.shape[2] * images.shape[3];
    const std::vector<float> all = golden_floats(1, static_cast<size_t>((first_ + count_) * pixels), 1);
    std::copy_n(all.begin() + (first_ + first) * pixels, images.shape[0] * pixels,
                static_cast<float*>(images.data));
  }
  Targets targets(int64_t first) const override {
    labels_ = golden_labels(2, static_cast<size_t>(first_ + count_), 5);
    return {labels_.data() + first_ + first, nullptr, nullptr};
  }

 private:
  int64_t first_, count_;
  mutable std::vector<int32_t> labels_;
};

Graph linear_net() {
  GraphBuilder net("test", {4, 4, 3});
  return net.finish(net.linear("fc", net.flatten(net.input()), 5));
}

TEST(Accumulate, IsOneLargeBatch) {
  const Graph graph = linear_net();
  FakeEngine small(graph), large(graph);
  small.parameters().initialise(1);
  large.parameters().initialise(1);
  const CrossEntropy loss;
  GradientAccumulator accumulator(4, small.parameters());
  for (int64_t batch = 0; batch < 4; ++batch) {
    Part part(6 * batch, 6);
    small.train_step(part, loss, {});
    EXPECT_EQ(accumulator.add(small, batch, 8), batch == 3);
  }
  Part whole(0, 24);
  large.train_step(whole, loss, {});
  const std::span<float> expected = large.parameters().gradients();
  EXPECT_LT(relative_error(small.parameters().gradients(), {expected.begin(), expected.end()}), 1e-6);
}

/// Batch b has gradient 2^b: every sum says which batches are in it.
TEST(Accumulate, GroupsBeginAnewAndTheLastMayBeShort) {
  const Graph graph = golden_net();
  FakeEngine engine(graph);
  GradientAccumulator accumulator(4, engine.parameters());
  EXPECT_EQ(engine.parameters().states(), 1u);
  for (int epoch = 0; epoch < 2; ++epoch) {
    for (int64_t batch = 0; batch < 10; ++batch) {
      std::ranges::fill(engine.parameters().gradients(), static_cast<float>(1 << batch));
      const bool ends = accumulator.add(engine, batch, 10);
      EXPECT_EQ(ends, batch == 3 || batch == 7 || batch == 9);
      if (!ends) continue;
      const double sum = batch == 3 ? 15 : batch == 7 ? 240 : 768;
      for (const float gradient : engine.parameters().gradients()) ASSERT_EQ(gradient, sum / 4) << batch;
    }
  }
}

TEST(Accumulate, GoesOnFromWithinAGroup) {
  const Graph graph = golden_net();
  FakeEngine whole(graph), part(graph);
  GradientAccumulator first(3, whole.parameters()), second(3, part.parameters());
  for (int64_t batch = 0; batch < 3; ++batch) {
    if (batch == 2) std::ranges::copy(whole.parameters().state(0), part.parameters().state(0).begin());
    set_golden_gradients(whole.parameters(), static_cast<int>(batch));
    set_golden_gradients(part.parameters(), static_cast<int>(batch));
    first.add(whole, batch, 9);
    if (batch == 2) {
      EXPECT_TRUE(second.add(part, batch, 9));
    }
  }
  const std::span<float> a = whole.parameters().gradients(), b = part.parameters().gradients();
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size_bytes()), 0);
}

TEST(Accumulate, OneBatchIsLeftAsItIs) {
  const Graph graph = golden_net();
  FakeEngine engine(graph);
  GradientAccumulator accumulator(1, engine.parameters());
  EXPECT_EQ(engine.parameters().states(), 0u);
  std::ranges::fill(engine.parameters().gradients(), 3.0f);
  EXPECT_TRUE(accumulator.add(engine, 0, 5));
  EXPECT_EQ(engine.parameters().gradients()[0], 3);
}

}  // namespace
}  // namespace frugal

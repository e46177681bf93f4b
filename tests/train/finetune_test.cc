// Ten steps of fine-tuning with frozen layers against PyTorch's (tools/goldens/transfer.py), and features
// that are kept against those that are computed anew.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "golden_input.h"
#include "graph/presets.h"
#include "nn/cut.h"
#include "train/freeze.h"
#include "train/loss.h"
#include "train/optimizer.h"

namespace frugal {
namespace {

/// Images [n, H, W, C] in memory.
class Batch : public BatchSource {
 public:
  Batch(const Shape& shape, uint32_t number, int64_t count, int64_t classes) : shape_(shape), count_(count) {
    images_ = golden_floats(1000 + number, static_cast<size_t>(count * shape.elements()), 1);
    labels_ = golden_labels(2000 + number, static_cast<size_t>(count), static_cast<uint32_t>(classes));
  }
  int64_t size() const override { return count_; }
  void fill(int64_t first, const TensorView& out) override {
    std::copy_n(images_.begin() + first * shape_.elements(), out.elements(), static_cast<float*>(out.at(0)));
  }
  Targets targets(int64_t first) const override { return {.labels = labels_.data() + first}; }

 private:
  Shape shape_;
  int64_t count_;
  std::vector<float> images_;
  std::vector<int32_t> labels_;
};

/// As rule_of() in the script.
void fill(Parameters& parameters, const Graph& graph) {
  for (size_t i = 0; i < graph.parameters.size(); ++i) {
    const ParameterSpec& p = graph.parameters[i];
    const bool norm =
        p.name.find("bn") != std::string::npos || p.name.find("downsample.1") != std::string::npos;
    const bool weight = p.name.ends_with("weight");
    float offset = 0, bound = 0.125f;
    if (norm && weight) offset = p.name.find("bn2") != std::string::npos ? 0.25f : 1.0f;
    const int64_t inputs = p.elements() / p.shape[0];
    if (!norm && weight) bound = static_cast<float>(std::sqrt(6.0 / static_cast<double>(inputs)));
    const auto values = golden_floats(static_cast<uint32_t>(i), static_cast<size_t>(p.elements()), bound);
    std::ranges::transform(values, parameters.weight(static_cast<int>(i)).begin(),
                           [&](float value) { return offset + value; });
  }
  for (size_t i = 0; i < graph.buffers.size(); ++i) {
    const bool mean = graph.buffers[i].name.ends_with("mean");
    const auto to = parameters.buffer(static_cast<int>(i));
    const auto values = golden_floats(static_cast<uint32_t>(500 + i), to.size(), mean ? 0.25f : 0.5f);
    std::ranges::transform(values, to.begin(), [&](float value) { return (mean ? 0.0f : 1.0f) + value; });
  }
}

/// What the golden keeps of a tensor.
std::vector<float> kept(std::span<const float> values) {
  const size_t step = values.size() > 96 ? values.size() / 30 : 1;
  std::vector<float> some;
  for (size_t i = 0; i < values.size(); i += step) some.push_back(values[i]);
  return some;
}

std::span<const float> tensor(Engine& engine, const Graph& graph, const std::string& name) {
  for (size_t i = 0; i < graph.parameters.size(); ++i) {
    if (graph.parameters[i].name == name) return engine.parameters().weight(static_cast<int>(i));
  }
  for (size_t i = 0; i < graph.buffers.size(); ++i) {
    if (graph.buffers[i].name == name) return engine.parameters().buffer(static_cast<int>(i));
  }
  throw Error("no tensor " + name);
}

TEST(Finetune, TenStepsArePyTorchs) {
  const auto golden = read_golden("finetune.json");
  const int64_t size = golden["size"], count = golden["batch"], classes = golden["classes"];
  const CrossEntropy loss;
  ASSERT_EQ(golden["cases"].size(), 5u);
  for (const auto& expected : golden["cases"]) {
    SCOPED_TRACE(expected["name"].get<std::string>());
    const Graph graph =
        frozen_at(make_model("resnet18", {size, size, 3}, classes), parse_freeze(expected["freeze"]),
                  parse_freeze_bn(expected["freeze_bn"]), 1);
    // More shards than one: what belongs to frozen parameters must not be written anywhere.
    const auto engine = make_shard_engine(
        graph, {.threads = 2, .batch = count, .shard = 3, .batch_norm = BatchNormMode::sync});
    fill(engine->parameters(), graph);
    engine->weights_changed();
    const auto optimizer = make_optimizer("sgd", {.momentum = 0.9, .weight_decay = 5e-4}, *engine, graph);
    Batch batches[] = {{graph.input, 0, count, classes}, {graph.input, 1, count, classes}};
    std::vector<float> losses;
    for (int64_t step = 0; step < golden["steps"].get<int64_t>(); ++step) {
      const LossSums sums = engine->train_step(batches[step % 2], loss, {});
      losses.push_back(static_cast<float>(sums.loss / static_cast<double>(count)));
      optimizer->step(*engine, 0.02);
      engine->weights_changed();
    }
    std::vector<float> logits(static_cast<size_t>(count * classes));
    engine->evaluate(batches[0], [&](int64_t first, int64_t n, const float* values) {
      std::copy_n(values, n * classes, logits.begin() + first * classes);
    });
    for (const auto& [name, result] : expected["results"].items()) {
      const std::span<const float> found = name == "losses"   ? std::span<const float>(losses)
                                           : name == "logits" ? std::span<const float>(logits)
                                                              : tensor(*engine, graph, name);
      const double limit = std::max(1e-5, 3 * result["fp32_error"].get<double>());
      EXPECT_LE(relative_error(kept(found), result["values"]), limit) << name;
    }
  }
}

TEST(Finetune, FrozenLayersHaveNoBackwardPass) {
  const Graph graph = frozen_at(make_model("resnet18", {64, 64, 3}, 10), parse_freeze("*,!fc.*"), true, 1);
  const auto engine = make_shard_engine(graph, {.threads = 1, .batch = 4});
  engine->parameters().initialise(1);
  engine->weights_changed();
  std::vector<NodeTime> times;
  engine->profile(&times);
  Batch batch(graph.input, 0, 4, 10);
  engine->train_step(batch, CrossEntropy(), {});
  for (size_t i = 0; i + 1 < times.size(); ++i) EXPECT_EQ(times[i].backward, 0) << graph.nodes[i].name;
  EXPECT_GT(times.back().backward, 0);
}

TEST(CutFrozen, IsBelowTheFirstThatChanges) {
  const Graph resnet = make_model("resnet20", {32, 32, 3}, 10);
  const auto cut = [&](const char* freeze, bool fixed) {
    return cut_frozen(frozen_at(resnet, parse_freeze(freeze), fixed, 1));
  };
  const auto whole = cut("*,!linear.*", true);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->above.nodes.size(), 2u);  // the input and linear
  EXPECT_EQ(whole->above.input, (Shape{1, 1, 64}));
  EXPECT_EQ(whole->above.parameters.size(), resnet.parameters.size());
  const auto half = cut("*,!layer3.*,!linear.*", true);
  ASSERT_TRUE(half);
  EXPECT_EQ(half->above.input, (Shape{16, 16, 32}));
  EXPECT_EQ(half->above.macs() + half->below.macs(), resnet.macs());
  // The batch's statistics change from batch to batch: all that stays is the first convolution.
  const auto adapting = cut("*,!linear.*", false);
  ASSERT_TRUE(adapting);
  EXPECT_EQ(resnet.nodes[static_cast<size_t>(adapting->node)].name, "conv1");
  EXPECT_FALSE(cut("linear.*", true));
  EXPECT_FALSE(cut_frozen(resnet));
}

}  // namespace
}  // namespace frugal

// Penalties that pull to weights of before, the Fisher information, and losses of some of the classes.
#include "train/anchor.h"

#include <gtest/gtest.h>

#include <cmath>

#include "../temp_dir.h"
#include "base/error.h"
#include "fake_engine.h"
#include "golden_input.h"
#include "graph/builder.h"
#include "train/fisher.h"
#include "train/masked_loss.h"
#include "trainer_fixture.h"

namespace frugal {
namespace {

class AnchorTest : public testing::Test {
 protected:
  AnchorTest() {
    GraphBuilder net("test", {1, 1, 5});
    const Value hidden = net.linear("fc1", net.flatten(net.input()), 7);
    graph_ = net.finish(net.linear("fc2", net.relu(hidden), 3));
    engine_ = std::make_unique<FakeEngine>(graph_);
    engine_->parameters().initialise(1);
  }
  Parameters& parameters() { return engine_->parameters(); }
  /// Value and gradients of the penalties alone.
  double penalty(Loss& loss, std::vector<float>& gradients) {
    std::ranges::fill(parameters().gradients(), 0.0f);
    const double value = loss.add_penalties(*engine_);
    gradients.assign(parameters().gradients().begin(), parameters().gradients().end());
    return value;
  }
  Graph graph_;
  std::unique_ptr<FakeEngine> engine_;
  const TempDir scratch_;
};

TEST_F(AnchorTest, L2spPullsBackToTheStart) {
  Loss loss = parse_loss("ce + 0.5*l2sp");
  EXPECT_TRUE(loss.needs_initial_weights());
  EXPECT_TRUE(loss.has_penalties());
  const std::vector<int> which = {0, 1};  // fc1: fc2 is new
  loss.anchor(parameters(), {[&] { return anchor_at(parameters(), which); }, {}});
  std::vector<float> gradients;
  EXPECT_EQ(penalty(loss, gradients), 0);
  parameters().weight(0)[3] += 2;
  parameters().weight(1)[1] -= 1;
  parameters().weight(2)[0] += 5;
  EXPECT_NEAR(penalty(loss, gradients), 0.5 * 0.5 * (4 + 1), 1e-6);
  EXPECT_NEAR(parameters().gradient(0)[3], 0.5 * 2, 1e-6);
  EXPECT_NEAR(parameters().gradient(1)[1], -0.5, 1e-6);
  EXPECT_EQ(parameters().gradient(2)[0], 0);
}

TEST_F(AnchorTest, EwcPullsByTheFisherInformationOfEveryTask) {
  AlignedFloats fisher(static_cast<int64_t>(parameters().weights().size()));
  fisher.span()[static_cast<size_t>(parameters().slots()[0].offset)] = 8;
  write_fisher(scratch_ / "a", parameters(), fisher, 10, FisherLabels::sampled);
  parameters().weight(0)[0] += 1;
  write_fisher(scratch_ / "b", parameters(), fisher, 10, FisherLabels::sampled);
  parameters().weight(0)[0] += 1;
  parameters().weight(0)[1] += 100;  // of no importance
  Loss loss = parse_loss("ce + 2*ewc:from=" + (scratch_ / "a").string() + "|" + (scratch_ / "b").string());
  EXPECT_EQ(loss.fisher_files({}).size(), 2u);
  loss.anchor(parameters(), {{}, loss.fisher_files({})});
  std::vector<float> gradients;
  // lambda / 2 * 8 * (2^2 + 1^2)
  EXPECT_NEAR(penalty(loss, gradients), 2 * 0.5 * 8 * 5, 1e-4);
  EXPECT_NEAR(parameters().gradient(0)[0], 2 * 8 * 3, 1e-4);
  EXPECT_EQ(parameters().gradient(0)[1], 0);
}

TEST_F(AnchorTest, SaysWhatIsMissing) {
  EXPECT_THROW(parse_loss("ce + ewc").fisher_files({}), Error);
  EXPECT_EQ(parse_loss("ce + ewc").fisher_files("x").at(0), "x");
  Loss loss = parse_loss("ce + l2sp");
  EXPECT_THROW(loss.anchor(parameters(), {}), Error);
  write_anchor(scratch_ / "none", parameters(), {});
  EXPECT_THROW(read_anchor(scratch_ / "none", parameters()), Error);
}

TEST_F(AnchorTest, ComesBackFromItsFile) {
  const std::vector<int> which = {0, 3};
  write_anchor(scratch_ / "anchor", parameters(), which);
  Anchor read = read_anchor(scratch_ / "anchor", parameters()), made = anchor_at(parameters(), which);
  EXPECT_TRUE(std::ranges::equal(read.weights.span(), made.weights.span()));
  EXPECT_TRUE(std::ranges::equal(read.strengths.span(), made.strengths.span()));
}

/// A linear network: the gradient of log p(c | x) by w_k is (1[k = c] - p_k) x, whose square has the mean
/// p_k (1 - p_k) x^2 over labels drawn from p.
TEST(Fisher, OfALinearNetworkIsKnown) {
  GraphBuilder net("test", {2, 2, 1});
  const Graph graph = net.finish(net.linear("fc", net.flatten(net.input()), 3));
  const auto engine = make_shard_engine(fisher_graph(graph), {.threads = 1, .batch = 1});
  engine->parameters().initialise(1);
  engine->weights_changed();
  ImageSet images;
  images.count = 1, images.height = images.width = 2, images.channels = 1;
  images.pixels = {255, 128, 0, 64};
  images.labels = {1};
  double z[3], sum = 0;
  for (size_t c = 0; c < 3; ++c) {
    z[c] = engine->parameters().weight(1)[c];
    for (size_t i = 0; i < 4; ++i)
      z[c] += engine->parameters().weight(0)[c * 4 + i] * images.pixels[i] / 255.0;
    sum += std::exp(z[c]);
  }
  const std::vector<int32_t> empirical = {0}, sampled(4000, 0);  // the same image, many draws
  AlignedFloats fisher =
      fisher_diagonal(*engine, images, empirical, no_normalization(1), {.labels = FisherLabels::empirical});
  AlignedFloats drawn = fisher_diagonal(*engine, images, sampled, no_normalization(1), {});
  for (size_t c = 0; c < 3; ++c) {
    const double p = std::exp(z[c]) / sum;
    for (size_t i = 0; i < 4; ++i) {
      const double x = images.pixels[i] / 255.0, error = (c == 1 ? 1 : 0) - p;
      EXPECT_NEAR(fisher.span()[c * 4 + i], error * error * x * x, 1e-6);
      EXPECT_NEAR(drawn.span()[c * 4 + i], p * (1 - p) * x * x, 0.02);
    }
  }
}

/// Of a task among two of three classes: p is among those two, and the third's logit does not count.
TEST(Fisher, OfATaskIsAmongItsClasses) {
  GraphBuilder net("test", {2, 2, 1});
  const Graph graph = net.finish(net.linear("fc", net.flatten(net.input()), 3));
  const auto engine = make_shard_engine(fisher_graph(graph), {.threads = 1, .batch = 1});
  engine->parameters().initialise(1);
  engine->parameters().weight(1)[1] = 9;  // would be drawn every time
  engine->weights_changed();
  ImageSet images;
  images.count = 1, images.height = images.width = 2, images.channels = 1;
  images.pixels = {255, 128, 0, 64};
  images.labels = {2};
  double z[3];
  for (size_t c = 0; c < 3; ++c) {
    z[c] = engine->parameters().weight(1)[c];
    for (size_t i = 0; i < 4; ++i)
      z[c] += engine->parameters().weight(0)[c * 4 + i] * images.pixels[i] / 255.0;
  }
  const double p = std::exp(z[0]) / (std::exp(z[0]) + std::exp(z[2]));
  const std::vector<int32_t> ids(4000, 0);
  AlignedFloats drawn = fisher_diagonal(*engine, images, ids, no_normalization(1), {.classes = {0, 2}});
  for (size_t i = 0; i < 4; ++i) {
    const double x = images.pixels[i] / 255.0;
    EXPECT_NEAR(drawn.span()[i], p * (1 - p) * x * x, 0.02);
    EXPECT_EQ(drawn.span()[4 + i], 0);
    EXPECT_NEAR(drawn.span()[8 + i], p * (1 - p) * x * x, 0.02);
  }
}

/// Where there is no batch-norm, nothing but the rate tells evaluation's graph from training's.
TEST(Fisher, DropoutRestsWithoutBatchNorm) {
  const auto fisher_of = [](float rate) {
    GraphBuilder net("test", {8, 8, 3});
    const Value x = net.dropout("drop", net.relu(net.conv2d("conv1", net.input(), 8)), rate);
    const Graph graph = net.finish(net.linear("linear", net.flatten(net.adaptive_avg_pool(x)), 3));
    const auto engine = make_shard_engine(graph, {.threads = 1, .batch = 1});
    engine->parameters().initialise(3);
    engine->weights_changed();
    engine->train_at(fisher_graph(graph));
    ImageSet images{4, 8, 8, 3, {}, {0, 1, 2, 0}, {}};
    for (int i = 0; i < 4 * 192; ++i) images.pixels.push_back(static_cast<uint8_t>((i * 37) % 256));
    const std::vector<int32_t> ids = {0, 1, 2, 3};
    const AlignedFloats fisher =
        fisher_diagonal(*engine, images, ids, no_normalization(3), {.labels = FisherLabels::empirical});
    return std::vector<float>(fisher.span().begin(), fisher.span().end());
  };
  EXPECT_EQ(fisher_of(0.5f), fisher_of(0));
}

/// The squared gradients of a network with batch-norm, against finite differences of the loss in evaluation.
TEST(Fisher, SeesTheNetworkAsInEvaluation) {
  GraphBuilder net("test", {8, 8, 3});
  // Smooth activations: differences across the kink of a ReLU are no gradient.
  Value x = net.activation(net.batch_norm("bn1", net.conv2d("conv1", net.input(), 8)), Activation::silu);
  x = net.dropout("drop", x, 0.5f);
  x = net.activation(net.batch_norm("bn2", net.conv2d("conv2", x, 8)), Activation::silu);
  const Graph graph =
      fisher_graph(net.finish(net.linear("linear", net.flatten(net.adaptive_avg_pool(x)), 3)));
  const auto engine = make_shard_engine(graph, {.threads = 1, .batch = 1});
  engine->parameters().initialise(3);
  for (size_t i = 0; i < graph.buffers.size(); ++i) {
    const bool mean = graph.buffers[i].name.ends_with("mean");
    for (float& value : engine->parameters().buffer(static_cast<int>(i))) value = mean ? 0.1f : 0.8f;
  }
  engine->weights_changed();
  ImageSet images;
  images.count = 1, images.height = images.width = 8, images.channels = 3;
  images.labels = {2};
  for (int i = 0; i < 192; ++i) images.pixels.push_back(static_cast<uint8_t>((i * 37) % 256));
  const std::vector<int32_t> ids = {0};
  const AlignedFloats fisher =
      fisher_diagonal(*engine, images, ids, no_normalization(3), {.labels = FisherLabels::empirical});
  DatasetBatch batch(images, {.normalization = no_normalization(3)}, 3);
  batch.set(ids, 0);
  const auto loss_now = [&] {
    engine->weights_changed();
    double loss = 0;
    engine->evaluate(batch, [&](int64_t, int64_t, const float* logits) {
      loss = CrossEntropy().compute(logits, 1, 3, {.labels = images.labels.data()}, 1, nullptr).loss;
    });
    return loss;
  };
  for (const char* name :
       {"bn1.weight", "bn1.bias", "conv1.bias", "bn2.weight", "conv2.weight", "linear.bias"}) {
    for (size_t p = 0; p < graph.parameters.size(); ++p) {
      if (graph.parameters[p].name != name) continue;
      float& w = engine->parameters().weight(static_cast<int>(p))[1];
      const float before = w, step = 0.004f;
      w = before + step;
      const double above = loss_now();
      w = before - step;
      const double below = loss_now();
      w = before;
      const double slope = (above - below) / (2 * step);
      const auto at = static_cast<size_t>(engine->parameters().slots()[p].offset) + 1;
      EXPECT_NEAR(std::sqrt(fisher.span()[at]), std::abs(slope), 0.03 * std::abs(slope) + 2e-4) << name;
    }
  }
}

TEST(MaskedLoss, IsTheLossOfItsClassesAlone) {
  const std::vector<float> logits = golden_floats(1, 4 * 6, 3);
  const std::vector<int32_t> labels = {1, 4, 1, 5};
  Loss loss = parse_loss("ce:smoothing=0.1");
  loss.mask({4, 1, 5});
  std::vector<float> gradient(24, 9.0f), few(12), few_gradient(12);
  const LossSums sums =
      loss.logits().compute(logits.data(), 4, 6, {.labels = labels.data()}, 0.25f, gradient.data());
  const std::vector<int32_t> own = {1, 0, 1, 2};
  const int columns[] = {4, 1, 5};
  for (size_t n = 0; n < 4; ++n) {
    for (size_t c = 0; c < 3; ++c) few[n * 3 + c] = logits[n * 6 + static_cast<size_t>(columns[c])];
  }
  const LossSums alone =
      CrossEntropy(0.1).compute(few.data(), 4, 3, {.labels = own.data()}, 0.25f, few_gradient.data());
  EXPECT_EQ(sums.loss, alone.loss);
  EXPECT_EQ(sums.top1, alone.top1);
  for (size_t n = 0; n < 4; ++n) {
    for (size_t c = 0; c < 6; ++c) {
      const auto* found = std::ranges::find(columns, static_cast<int>(c));
      const float expected =
          found == std::end(columns) ? 0 : few_gradient[n * 3 + static_cast<size_t>(found - columns)];
      EXPECT_EQ(gradient[n * 6 + c], expected);
    }
  }
  const std::vector<int32_t> outside = {0};
  EXPECT_THROW(loss.logits().compute(logits.data(), 1, 6, {.labels = outside.data()}, 1, nullptr), Error);
}

}  // namespace
}  // namespace frugal

#include "golden_case.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "base/error.h"
#include "golden_tensor.h"

namespace frugal::golden {
namespace {

using nlohmann::json;

std::filesystem::path folder(const std::string& set) {
  const char* elsewhere = set == "nn" ? std::getenv("FRUGAL_GOLDENS") : nullptr;
  return elsewhere ? elsewhere : std::filesystem::path(FRUGAL_SOURCE_DIR) / "tests" / "goldens" / set;
}

std::vector<double> doubles(std::span<const float> values) { return {values.begin(), values.end()}; }

void keep_buffers(Parameters& parameters, const std::string& prefix, Results& results) {
  for (size_t i = 0; i < parameters.buffer_slots().size(); ++i) {
    results[prefix + parameters.buffer_slots()[i].name] = doubles(parameters.buffer(static_cast<int>(i)));
  }
}

/// Sets the weights by the golden's rules, which must be those of the graph's parameters in their order.
void initialise(const json& golden, Parameters& parameters) {
  const json& rules = golden.at("initial");
  ASSERT_EQ(rules.size(), parameters.slots().size());
  for (size_t i = 0; i < rules.size(); ++i) {
    ASSERT_EQ(rules[i][0].get<std::string>(), parameters.slots()[i].name);
    fill_uniform(parameters.weight(static_cast<int>(i)), golden.at("seed"), static_cast<uint32_t>(i),
                 rules[i][1], rules[i][2]);
  }
}

}  // namespace

json load(const std::string& name, const std::string& set) {
  return json::parse(std::ifstream(folder(set) / (name + ".json")));
}

std::vector<std::string> names(const std::string& set) {
  std::vector<std::string> result;
  for (const auto& entry : std::filesystem::directory_iterator(folder(set))) {
    if (entry.path().extension() == ".json") result.push_back(entry.path().stem());
  }
  if (result.empty()) throw Error("no goldens in " + folder(set).string());
  std::ranges::sort(result);
  return result;
}

std::string test_name(std::string name) {
  std::ranges::replace_if(
      name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
}

MemoryBatch make_batch(const json& golden, int64_t step) {
  const json& input = golden.at("input");
  const int64_t count = golden.at("batch");
  const uint64_t seed = golden.at("seed");
  MemoryBatch batch;
  batch.shape = {input[0], input[1], input[2]};
  batch.classes = golden.at("classes");
  batch.images.resize(static_cast<size_t>(count * batch.shape.elements()));
  fill_uniform(batch.images, seed, layer_images + static_cast<uint32_t>(step), 0.5f, 0.5f);
  const uint32_t layer = layer_targets + static_cast<uint32_t>(step);
  if (golden.at("loss") == "cross_entropy") {
    batch.labels = draw_labels(count, seed, layer, batch.classes);
  } else {
    batch.soft.resize(static_cast<size_t>(count * batch.classes));
    fill_uniform(batch.soft, seed, layer, 0, 1);
  }
  return batch;
}

Results run(const json& golden, const EngineOptions& options) {
  const Graph graph = build_graph(golden);
  const std::unique_ptr<Engine> engine = make_shard_engine(graph, options);
  Parameters& parameters = engine->parameters();
  Results results;
  initialise(golden, parameters);
  if (testing::Test::HasFatalFailure()) return results;
  engine->weights_changed();

  const std::vector<float> initial(parameters.all_weights().begin(), parameters.all_weights().end());
  const int64_t count = golden.at("batch"), steps = golden.at("steps");
  Sgd sgd{};
  if (steps > 1) sgd = {golden["sgd"]["lr"], golden["sgd"]["momentum"], golden["sgd"]["weight_decay"], {}};

  for (int64_t step = 0; step < steps; ++step) {
    MemoryBatch batch = make_batch(golden, step);
    TestLoss loss(batch);
    if (step == 0) loss.prepare(graph.classes);
    const LossSums sums = engine->train_step(batch, loss, {.seed = 1});
    if (batch.soft.empty()) {
      results["losses"].push_back(sums.loss / static_cast<double>(count));
    } else {
      EXPECT_NEAR(sums.loss,
                  std::inner_product(batch.soft.begin(), batch.soft.end(), loss.logits().begin(), 0.0),
                  1e-6 * std::sqrt(static_cast<double>(batch.soft.size())));
    }
    EXPECT_EQ(sums.samples, count);
    EXPECT_EQ(sums.top1, count);
    EXPECT_EQ(sums.top3, 2 * count);
    EXPECT_EQ(sums.top5, 3 * count);
    if (step == 0) {
      results["logits"] = doubles(loss.logits());
      for (size_t i = 0; i < parameters.slots().size(); ++i) {
        const std::span<const float> gradient = parameters.gradient(static_cast<int>(i));
        if (graph.parameters[i].trainable) {
          results["gradient:" + parameters.slots()[i].name] = doubles(gradient);
        } else {
          EXPECT_TRUE(std::ranges::all_of(gradient, [](float g) { return g == 0; }))
              << graph.parameters[i].name;
        }
      }
      keep_buffers(parameters, "running:", results);
      EXPECT_TRUE(std::ranges::equal(initial, parameters.all_weights()))
          << "a step must leave the weights alone";
    }
    if (steps > 1) sgd.step(*engine);
  }
  if (steps > 1) {
    for (size_t i = 0; i < parameters.slots().size(); ++i) {
      const Slot& slot = parameters.slots()[i];
      std::vector<double> change = doubles(parameters.weight(static_cast<int>(i)));
      for (size_t k = 0; k < change.size(); ++k) change[k] -= initial[static_cast<size_t>(slot.offset) + k];
      if (slot.trainable) {
        results["change:" + slot.name] = std::move(change);
      } else {
        EXPECT_EQ(norm(change), 0) << slot.name;
      }
    }
    keep_buffers(parameters, "final:", results);
  }

  MemoryBatch batch = make_batch(golden, steps);
  std::vector<double>& evaluation = results["evaluation"];
  evaluation.assign(static_cast<size_t>(count * graph.classes), NAN);
  engine->evaluate(batch, [&](int64_t first, int64_t n, const float* logits) {
    std::copy_n(logits, n * graph.classes, evaluation.data() + first * graph.classes);
  });
  return results;
}

}  // namespace frugal::golden

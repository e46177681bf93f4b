// The promise of same bits: weights, running statistics and logits do not depend on the number of threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "golden_batch.h"
#include "golden_tensor.h"
#include "graph/presets.h"

namespace frugal {
namespace {

struct Setting {
  const char* name;
  int64_t image_size;
  int64_t batch, shard;
  int64_t last_batch;  // every fifth step sees so few samples, as at the end of an epoch
  Precision precision;
  BatchNormMode batch_norm;
};

void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.name; }

struct Trained {
  std::vector<float> weights, buffers, logits;
  std::vector<double> losses;
};

/// Fifty steps of SmallNet with dropout, then an evaluation.
Trained train(const Setting& setting, int threads) {
  const Graph graph = smallnet({setting.image_size, setting.image_size, 3}, 100);
  const auto engine = make_shard_engine(graph, {.threads = threads,
                                                .batch = setting.batch,
                                                .shard = setting.shard,
                                                .precision = setting.precision,
                                                .batch_norm = setting.batch_norm});
  engine->parameters().initialise(7);
  engine->weights_changed();
  golden::Sgd sgd{0.05f, 0.9f, 5e-4f, {}};
  golden::MemoryBatch full = golden::random_batch(graph, setting.batch, 0);
  golden::MemoryBatch last = golden::random_batch(graph, setting.last_batch, 1);
  Trained result;
  for (uint32_t step = 0; step < 50; ++step) {
    golden::MemoryBatch& batch = step % 5 == 4 ? last : full;
    const StepKey key{7, step / 5, step % 5 * static_cast<uint32_t>(setting.batch)};
    result.losses.push_back(engine->train_step(batch, golden::TestLoss(batch), key).loss);
    sgd.step(*engine);
  }
  const Parameters& parameters = engine->parameters();
  result.weights.assign(parameters.weights().begin(), parameters.weights().end());
  result.buffers.assign(parameters.buffers().begin(), parameters.buffers().end());
  result.logits.resize(static_cast<size_t>(last.size() * graph.classes));
  engine->evaluate(last, [&](int64_t first, int64_t count, const float* logits) {
    std::copy_n(logits, count * graph.classes, result.logits.data() + first * graph.classes);
  });
  return result;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

class Determinism : public testing::TestWithParam<Setting> {};

TEST_P(Determinism, ThreadsDoNotChangeABit) {
  const Setting& setting = GetParam();
  if (setting.precision == Precision::bf16 && !machine_info().bf16)
    GTEST_SKIP() << "this processor has no bf16";
  const Trained one = train(setting, 1);
  EXPECT_TRUE(std::ranges::all_of(one.weights, [](float w) { return std::isfinite(w); }));
  for (int threads : {2, 3, 4}) {
    SCOPED_TRACE(std::to_string(threads) + " threads");
    const Trained many = train(setting, threads);
    EXPECT_TRUE(same_bits(one.losses, many.losses)) << "losses";
    EXPECT_TRUE(same_bits(one.weights, many.weights)) << "weights";
    EXPECT_TRUE(same_bits(one.buffers, many.buffers)) << "running statistics";
    EXPECT_TRUE(same_bits(one.logits, many.logits)) << "logits of an evaluation";
  }
}

/// Which images are evaluated with which others changes nothing: the logits of a teacher and what frozen
/// layers yield may be made all at once or batch by batch.
TEST(Evaluation, CompanyDoesNotChangeABit) {
  for (const char* model :
       {"smallnet", "resnet20", "mobilenetv2:width=0.35,stem=cifar", "densenet-bc-22-12", "squeezenet1_1",
        "convmixer-64-2", "se-resnet56:width=0.5", "airbench94:width=0.25"}) {
    const Graph graph = make_model(model, {32, 32, 3}, 10);
    for (const Precision precision : {Precision::fp32, Precision::bf16}) {
      if (precision == Precision::bf16 && !machine_info().bf16) continue;
      const auto engine = make_shard_engine(graph, {.threads = 2, .batch = 64, .precision = precision});
      engine->parameters().initialise(7);
      engine->weights_changed();
      golden::MemoryBatch all = golden::random_batch(graph, 75, 0);
      const auto logits_of = [&](golden::MemoryBatch& batch) {
        std::vector<float> logits(static_cast<size_t>(batch.size() * graph.classes));
        engine->evaluate(batch, [&](int64_t first, int64_t count, const float* values) {
          std::copy_n(values, count * graph.classes, logits.data() + first * graph.classes);
        });
        return logits;
      };
      const std::vector<float> together = logits_of(all);
      std::vector<float> apart;
      for (const int64_t count : {1, 33, 2, 39}) {
        golden::MemoryBatch part = all;
        const auto begin = static_cast<std::ptrdiff_t>(apart.size()) / graph.classes;
        const int64_t size = graph.input.elements();
        part.images.assign(all.images.begin() + begin * size, all.images.begin() + (begin + count) * size);
        part.labels.assign(all.labels.begin() + begin, all.labels.begin() + begin + count);
        const std::vector<float> logits = logits_of(part);
        apart.insert(apart.end(), logits.begin(), logits.end());
      }
      EXPECT_TRUE(same_bits(together, apart)) << model << (precision == Precision::bf16 ? " bf16" : " fp32");
    }
  }
}

constexpr auto fp32 = Precision::fp32, bf16 = Precision::bf16;
constexpr auto ghost = BatchNormMode::ghost, sync = BatchNormMode::sync;

// Small images where they do: the shards and their meeting points are the same. One case is as large as the
// real thing.
INSTANTIATE_TEST_SUITE_P(Nn, Determinism,
                         testing::Values(Setting{"fp32_ghost", 8, 128, 16, 72, fp32, ghost},
                                         Setting{"fp32_sync", 8, 128, 16, 72, fp32, sync},
                                         Setting{"bf16_ghost", 8, 128, 16, 72, bf16, ghost},
                                         Setting{"bf16_sync", 8, 128, 16, 72, bf16, sync},
                                         Setting{"fp32_ghost_100", 16, 100, 32, 1, fp32, ghost},
                                         Setting{"fp32_sync_100", 16, 100, 32, 1, fp32, sync},
                                         Setting{"bf16_ghost_100", 16, 100, 32, 37, bf16, ghost},
                                         Setting{"bf16_sync_100", 16, 100, 32, 37, bf16, sync},
                                         Setting{"real_size", 32, 128, 32, 72, bf16, ghost}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace frugal

// From a configuration to what training needs: the network, the engine, the normalisation.
#include "base/error.h"
#include "graph/presets.h"
#include "train/trainer.h"

namespace frugal {
namespace {

Precision choose_precision(const std::string& asked) {
  const MachineInfo machine = machine_info();
  if (asked == "fp32" || (asked == "auto" && !machine.bf16)) return Precision::fp32;
  if (!machine.bf16) {
    throw usage_error("--precision bf16: this processor (" + machine.processor +
                      ") has neither AMX nor AVX512-BF16; use --precision fp32 or auto");
  }
  return Precision::bf16;
}

}  // namespace

std::unique_ptr<Engine> make_engine(const Graph& graph, TrainConfig& config) {
  const Precision precision = choose_precision(config.precision);
  auto engine = make_shard_engine(
      graph, {.threads = config.threads,
              .batch = config.batch,
              .shard = config.shard,
              .precision = precision,
              .batch_norm = config.batch_norm == "sync" ? BatchNormMode::sync : BatchNormMode::ghost});
  config.precision = precision == Precision::bf16 ? "bf16" : "fp32";
  config.shard = engine->shard();
  return engine;
}

Normalization choose_normalization(const TrainConfig& config, const Dataset& data) {
  return config.normalize == "none" ? no_normalization(data.train.channels)
                                    : measure_normalization(data.train);
}

TrainResult train(const TrainConfig& config, const Dataset& data, const std::filesystem::path& out,
                  TrainObserver& observer) {
  validate(config);
  TrainConfig resolved = config;
  const Graph graph = make_model(config.model, {data.train.height, data.train.width, data.train.channels},
                                 static_cast<int64_t>(data.classes.size()));
  const std::unique_ptr<Engine> engine = make_engine(graph, resolved);
  return train(*engine, graph, resolved, data, out, observer);
}

}  // namespace frugal

// From a configuration to what training needs: the network, the engine, the normalisation.
#include "data/selection.h"
#include "graph/presets.h"
#include "train/trainer.h"

namespace frugal {
std::unique_ptr<Engine> make_engine(const Graph& graph, TrainConfig& config) {
  const Precision precision = choose_precision(config.precision);
  auto engine = make_shard_engine(graph, {.threads = config.threads,
                                          .batch = config.batch,
                                          .shard = config.shard,
                                          .precision = precision,
                                          .batch_norm = choose_batch_norm(config.batch_norm)});
  config.precision = precision == Precision::bf16 ? "bf16" : "fp32";
  config.shard = engine->shard();
  return engine;
}

void apply_selection(const TrainConfig& config, Dataset& data) {
  select(data, {config.coarse, config.select, config.fraction, config.split_seed});
}

TrainValSplit choose_split(const TrainConfig& config, const Dataset& data) {
  if (config.split == "stratified") return stratified_split(data.train.labels, config.val, config.split_seed);
  return split_indices(data.train.count, config.val, config.split_seed);
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

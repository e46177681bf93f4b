// From a configuration to what training needs: the network, the engine, the normalisation.
#include "data/augment.h"
#include "data/selection.h"
#include "graph/presets.h"
#include "train/groups.h"
#include "train/loss.h"
#include "train/size_schedule.h"
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

Graph graph_for(const TrainConfig& config, const Dataset& data) {
  return make_model(config.model, {data.train.height, data.train.width, data.train.channels},
                    static_cast<int64_t>(data.classes.size()));
}

Graph graph_at(const TrainConfig& config, const Graph& graph, int64_t size) {
  return make_model(config.model, {size, size, graph.input.c}, graph.classes);
}

void check_run(Engine& engine, const Graph& graph, const TrainConfig& config, const Dataset& data) {
  check_augment(parse_augment(config.augment), data.train.height, data.train.width, data.train.channels);
  if (config.normalize != "auto")
    choose_normalization(config.normalize, data.train);  // measuring refuses nothing
  parse_loss(config.loss, class_counts(data.train, data.classes.size()));
  ParameterGroups(config.groups, config.decay, config.weight_decay).check(engine.parameters().slots());
  const std::vector<SizeStep> sizes = parse_resize(config.resize);
  for (const SizeStep& step : sizes) engine.train_at(graph_at(config, graph, step.size));
  if (!sizes.empty()) engine.train_at(graph);
}

TrainResult train(const TrainConfig& config, const Dataset& data, const std::filesystem::path& out,
                  TrainObserver& observer, const RunControl& control) {
  validate(config);
  TrainConfig resolved = config;
  const Graph graph = graph_for(config, data);
  const std::unique_ptr<Engine> engine = make_engine(graph, resolved);
  check_run(*engine, graph, resolved, data);
  return train(*engine, graph, resolved, data, out, observer, control);
}

}  // namespace frugal

// From a configuration to what training needs: the network, the engine, the normalisation.
#include <algorithm>
#include <utility>

#include "base/error.h"
#include "data/augment.h"
#include "data/selection.h"
#include "graph/presets.h"
#include "train/anchor.h"
#include "train/freeze.h"
#include "train/groups.h"
#include "train/loss.h"
#include "train/size_schedule.h"
#include "train/trainer.h"

namespace frugal {

namespace {

Graph frozen(const TrainConfig& config, Graph graph, double progress) {
  return frozen_at(std::move(graph), parse_freeze(config.freeze), parse_freeze_bn(config.freeze_bn),
                   progress);
}

}  // namespace

std::string choose_augment(const TrainConfig& config, Shape images) {
  // A mirrored 3 is none, and what is frozen is computed once only while images stay as they are.
  if (images.c != 3 || config.freeze != "none") return "none";
  const int64_t pixels = std::max<int64_t>(1, std::min(images.h, images.w) / 8);
  return "flip,crop:" + std::to_string(pixels);
}

std::unique_ptr<Engine> make_engine(const Graph& graph, TrainConfig& config) {
  const Precision precision = choose_precision(config.precision);
  auto engine = make_shard_engine(graph, {.threads = config.threads,
                                          .batch = config.batch,
                                          .shard = config.shard,
                                          .precision = precision,
                                          .batch_norm = choose_batch_norm(config.batch_norm)});
  config.precision = precision == Precision::bf16 ? "bf16" : "fp32";
  config.shard = engine->shard();
  if (config.augment == "auto") config.augment = choose_augment(config, graph.input);
  return engine;
}

void apply_selection(const TrainConfig& config, Dataset& data) {
  select(data, {.coarse = config.coarse,
                .classes = config.select,
                .task = config.task,
                .fraction = config.fraction,
                .seed = config.split_seed});
}

Loss loss_for(const TrainConfig& config, const Dataset& data) {
  Loss loss = parse_loss(config.loss, class_counts(data.train, data.classes.size()));
  if (config.task == "all") return loss;
  if (!loss.class_weights().empty())
    throw usage_error("--task: classes cannot be weighed where some are masked");
  loss.mask(parse_classes(config.task, data.classes, "--task"));
  return loss;
}

TrainValSplit choose_split(const TrainConfig& config, const Dataset& data) {
  if (config.split == "stratified") return stratified_split(data.train.labels, config.val, config.split_seed);
  return split_indices(data.train.count, config.val, config.split_seed);
}

Graph graph_for(const TrainConfig& config, const Dataset& data) {
  return frozen(config,
                make_model(config.model, {data.train.height, data.train.width, data.train.channels},
                           static_cast<int64_t>(data.classes.size())),
                1);
}

Graph graph_at(const TrainConfig& config, const Graph& graph, double progress) {
  const std::vector<SizeStep> sizes = parse_resize(config.resize);
  if (sizes.empty()) return frozen(config, graph, progress);
  const int64_t size = step_at(sizes, progress).size;
  const Shape& own = graph.input;
  const int64_t shorter = std::min(own.h, own.w);
  const auto side = [&](int64_t whole) { return (whole * size + shorter / 2) / shorter; };
  const Shape now{side(own.h), side(own.w), own.c};
  return frozen(config, remake_model(config.model, graph.model_file, now, graph.classes), progress);
}

std::vector<double> changes_of_graph(const TrainConfig& config) {
  std::vector<double> changes = thaws(parse_freeze(config.freeze));
  for (const SizeStep& step : parse_resize(config.resize)) changes.push_back(step.progress);
  if (changes.empty()) return changes;
  changes.push_back(0);  // the first graph need not be the engine's own
  std::ranges::sort(changes);
  return changes;
}

std::filesystem::path default_fisher(const TrainConfig& config) {
  if (config.from == "none") return {};
  const std::filesystem::path from(config.from);
  return (std::filesystem::is_directory(from) ? from : from.parent_path()) / "fisher.safetensors";
}

namespace {

/// PyTorch refuses it, too: whatever the one value is, its norm is zero, and nothing below it learns.
void check_norms(const Engine& engine, const Graph& graph, const TrainConfig& config) {
  const bool sync = choose_batch_norm(config.batch_norm) == BatchNormMode::sync;
  const int64_t shards = (config.batch + engine.shard() - 1) / engine.shard();
  const int64_t images = sync ? config.batch : config.batch / shards;  // of the smallest
  for (const Node& node : graph.nodes) {
    if (node.kind != OpKind::batch_norm || node.fixed_statistics || images * node.in.h * node.in.w > 1)
      continue;
    throw usage_error(node.name + ": batch-norm over a single value a channel: " +
                      (config.batch > 1 ? "--batch-norm sync, or a larger --shard or --batch is needed"
                                        : "a larger --batch is needed"));
  }
}

}  // namespace

void check_run(Engine& engine, const Graph& graph, const TrainConfig& config, const Dataset& data) {
  check_augment(parse_augment(config.augment), data.train.height, data.train.width, data.train.channels);
  if (config.normalize != "auto")
    choose_normalization(config.normalize, data.train);  // measuring refuses nothing
  check_freeze(parse_freeze(config.freeze), graph);
  check_norms(engine, graph, config);
  ParameterGroups(config.groups, config.decay, config.weight_decay).check(engine.parameters().slots());
  for (const SizeStep& step : parse_resize(config.resize)) {
    engine.train_at(graph_at(config, graph, step.progress));
  }
  engine.train_at(graph);
}

void check_fisher_files(Engine& engine, const TrainConfig& config, const Dataset& data) {
  for (const std::filesystem::path& file : loss_for(config, data).fisher_files(default_fisher(config))) {
    read_anchor(file, engine.parameters());
  }
}

TrainResult train(const TrainConfig& config, const Dataset& data, const std::filesystem::path& out,
                  TrainObserver& observer, const RunControl& control) {
  validate(config);
  TrainConfig resolved = config;
  const Graph graph = graph_for(config, data);
  const std::unique_ptr<Engine> engine = make_engine(graph, resolved);
  check_run(*engine, graph, resolved, data);
  if (!control.resume) check_fisher_files(*engine, resolved, data);
  return train(*engine, graph, resolved, data, out, observer, control);
}

}  // namespace frugal

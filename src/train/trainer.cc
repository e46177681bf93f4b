#include "train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/units.h"
#include "data/sampler.h"
#include "graph/model_file.h"
#include "train/accumulate.h"
#include "train/batch_source.h"
#include "train/checkpoint_keeper.h"
#include "train/clip.h"
#include "train/history.h"
#include "train/log_file.h"
#include "train/loss.h"
#include "train/optimizer.h"
#include "train/position.h"
#include "train/progress_file.h"
#include "train/schedule.h"
#include "train/size_schedule.h"
#include "train/whitening.h"

namespace frugal {

std::atomic<int> stop_requested{0};

namespace {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

TrainConfig resolve(TrainConfig config, const Engine& engine) {
  config.precision = engine.precision() == Precision::bf16 ? "bf16" : "fp32";
  config.shard = engine.shard();
  return config;
}

CheckpointInfo checkpoint_info(const Graph& graph, const TrainConfig& config, const Dataset& data,
                               const Normalization& normalization) {
  CheckpointInfo info;
  info.frugal_version = FRUGAL_VERSION;
  info.model = config.model;
  info.model_file = graph.model_file;
  info.input = graph.input;
  info.classes = data.classes;
  info.normalization = normalization;
  info.data = data.name;
  return info;
}

BatchRecipe batch_recipe(const TrainConfig& config, const Normalization& normalization) {
  BatchRecipe recipe;
  recipe.normalization = normalization;
  recipe.augment = parse_augment(config.augment);
  recipe.seed = config.seed;
  return recipe;
}

class Trainer {
 public:
  Trainer(Engine& engine, const Graph& graph, const TrainConfig& config, const Dataset& data,
          const std::filesystem::path& out, TrainObserver& observer)
      : engine_(engine),
        graph_(graph),
        config_(resolve(config, engine)),
        data_(data),
        out_(out),
        observer_(observer),
        progress_(out),
        log_(out / "log.jsonl"),
        normalization_(choose_normalization(config.normalize, data.train)),
        split_(choose_split(config, data)),
        loss_(parse_loss(config.loss, class_counts(data.train, data.classes.size()))),
        schedule_(parse_schedule(config.schedule)),
        sizes_(parse_resize(config.resize)),
        optimizer_(make_optimizer(config.optimizer, optimizer_options(config), engine, graph)),
        accumulator_(config.accumulate, engine.parameters()),
        clip_(config.clip),
        batch_(data.train, batch_recipe(config, normalization_), static_cast<int64_t>(data.classes.size()),
               loss_.class_weights()),
        checkpoints_(out, checkpoint_info(graph, config, data, normalization_), graph, engine.parameters(),
                     [this](const std::string& warning) { observer_.on_message(warning); }),
        steps_((static_cast<int64_t>(split_.train.size()) + config.batch - 1) / config.batch) {}

  TrainResult run();

 private:
  void write_config() const;
  bool train_epoch();
  void train_step(std::span<const int32_t> ids, int64_t first_draw);
  void finish_epoch(const Stopwatch& clock);
  Metrics validate_weights();
  void update_best(const EpochRecord& record);
  void write_log(const EpochRecord& record);
  void test();
  void write_result();

  void choose_size();
  double progress() const;
  Position position() const;
  [[noreturn]] void stop_diverged(const std::string& what, double value) const;
  void require_finite_weights();

  Engine& engine_;
  const Graph& graph_;
  const TrainConfig config_;
  const Dataset& data_;
  const std::filesystem::path out_;
  TrainObserver& observer_;
  ProgressFile progress_;
  LogFile log_;
  const Normalization normalization_;
  const TrainValSplit split_;
  Loss loss_;
  const std::unique_ptr<Schedule> schedule_;
  const std::vector<SizeStep> sizes_;
  const std::unique_ptr<Optimizer> optimizer_;
  GradientAccumulator accumulator_;  // its state lies behind the optimizer's
  GradientClip clip_;
  DatasetBatch batch_;
  CheckpointKeeper checkpoints_;
  const int64_t steps_;       // in an epoch
  int64_t epoch_ = 0;         // epochs that are complete
  int64_t trained_size_ = 0;  // of the images, where --resize is given
  EpochSums sums_;            // of the epoch under way
  TrainResult result_;
};

TrainResult Trainer::run() {
  result_.best_val = result_.test = to_metrics({}, std::numeric_limits<double>::quiet_NaN());
  write_config();
  engine_.parameters().initialise(config_.seed);
  engine_.weights_changed();
  whiten(engine_, graph_, data_.train, split_.train, normalization_);
  observer_.on_start(config_, graph_, engine_, static_cast<int64_t>(split_.train.size()),
                     static_cast<int64_t>(split_.val.size()));
  while (epoch_ < config_.epochs && !result_.interrupted) {
    const Stopwatch clock;
    if (train_epoch()) finish_epoch(clock);
    // A signal in the last epoch's validation finds the work done: then the run ends as if it had not come.
    result_.interrupted = stop_requested != 0 && epoch_ < config_.epochs;
  }
  if (!checkpoints_.has_saved(position())) {
    require_finite_weights();
    checkpoints_.finish(position());
  }
  log_.flush();
  if (!result_.interrupted) test();
  write_result();
  return std::move(result_);
}

/// A model file comes along under a name of its own, which config.toml refers to.
void Trainer::write_config() const {
  TrainConfig config = config_;
  if (!graph_.model_file.empty()) {
    const std::string options = split_model_file(config.model).options;
    config.model = std::string("model.toml") + (options.empty() ? "" : ":" + options);
    write_file_atomic(out_ / "model.toml", graph_.model_file);
  }
  write_file_atomic(out_ / "config.toml", to_toml(config));
}

/// Trains to the epoch's end; false where it was stopped between two steps.
bool Trainer::train_epoch() {
  const auto epoch = static_cast<uint32_t>(epoch_);
  const std::vector<int32_t> order =
      config_.sampling == "balanced" ? balanced_order(split_.train, data_.train.labels, config_.seed, epoch)
                                     : epoch_order(split_.train, config_.seed, epoch);
  const std::span<const int32_t> ids(order);
  batch_.set_epoch(epoch, ids);
  sums_ = {};
  while (sums_.steps < steps_) {
    if (stop_requested != 0) return false;
    const auto first = static_cast<size_t>(sums_.steps * config_.batch);
    train_step(ids.subspan(first, std::min(static_cast<size_t>(config_.batch), ids.size() - first)),
               static_cast<int64_t>(first));
    observer_.on_step(epoch_ + 1, sums_.steps, steps_, sums_.loss.loss / sums_.loss.weight);
  }
  return true;
}

void Trainer::train_step(std::span<const int32_t> ids, int64_t first_draw) {
  const Stopwatch clock;
  const auto draw = static_cast<uint32_t>(first_draw);
  sums_.lr = config_.lr * schedule_->factor({progress(), epoch_});
  if (!sizes_.empty()) choose_size();
  batch_.set(ids, draw);
  const LossSums loss =
      engine_.train_step(batch_, loss_.logits(), {config_.seed, static_cast<uint32_t>(epoch_), draw});
  const double mean = loss.loss / batch_.weight();
  if (!std::isfinite(mean)) stop_diverged("the loss", mean);
  const double penalty = loss_.add_penalties(engine_);
  if (!std::isfinite(penalty)) stop_diverged("the penalty on the parameters", penalty);

  if (accumulator_.add(engine_, sums_.steps, steps_)) {
    const double norm = clip_.apply(engine_);
    if (!std::isfinite(norm)) stop_diverged("the gradient's norm", norm);
    optimizer_->step(engine_, sums_.lr);
    engine_.weights_changed();
  }
  sums_.loss += loss;
  sums_.batch_means += mean;
  sums_.penalties += penalty;
  ++sums_.steps;
  sums_.train_seconds += clock.seconds();
}

void Trainer::choose_size() {
  const int64_t size = step_at(sizes_, progress()).size;
  if (size != trained_size_) engine_.train_at(graph_at(config_, graph_, size));
  trained_size_ = size;
}

void Trainer::finish_epoch(const Stopwatch& clock) {
  const auto steps = static_cast<double>(steps_);
  EpochRecord record;
  record.epoch = epoch_ + 1;
  record.train = to_metrics(sums_.loss, sums_.batch_means / steps);
  record.val = validate_weights();
  record.train_loss_batch_mean = record.train.loss_batch_mean;
  record.val_loss_batch_mean = record.val.loss_batch_mean;
  record.penalty = sums_.penalties / steps;
  record.lr = sums_.lr;
  record.train_seconds = sums_.train_seconds;
  record.seconds = clock.seconds();

  result_.history.push_back(record);
  result_.train_step_seconds += record.train_seconds;
  result_.images_trained += record.train.samples;
  write_log(record);
  const auto left = static_cast<double>(config_.epochs - record.epoch);
  observer_.on_epoch(record, config_.epochs,
                     progress_.seconds_used() / static_cast<double>(record.epoch) * left);

  // Weights that are broken must not take the place of good ones.
  if (record.val.samples > 0 && !std::isfinite(record.val.loss)) {
    stop_diverged("the validation loss", record.val.loss);
  }
  require_finite_weights();
  update_best(record);
  ++epoch_;
  sums_ = {};
  checkpoints_.save(position());
}

Metrics Trainer::validate_weights() {
  return evaluate(engine_, data_.train, split_.val, normalization_, loss_.logits(), config_.batch);
}

void Trainer::update_best(const EpochRecord& record) {
  const bool better = result_.best_epoch == 0 || record.val.top1 > result_.best_val.top1;
  if (split_.val.empty() || !better) return;
  result_.best_epoch = record.epoch;
  result_.best_val = record.val;
  checkpoints_.set_best({{"epoch", std::to_string(record.epoch)},
                         {"val_top1", exact_text(record.val.top1)},
                         {"val_loss", exact_text(record.val.loss)}});
}

void Trainer::write_log(const EpochRecord& record) {
  try {
    log_.append(log_line(record));
  } catch (const Error& error) {
    observer_.on_message(std::string(error.what()) + "; training goes on and will try again");
  }
}

/// Reads the test split: once, of the weights that the run hands over.
void Trainer::test() {
  result_.tested = checkpoints_.restore_best() ? "best" : "last";
  engine_.weights_changed();
  std::vector<int32_t> ids(static_cast<size_t>(data_.test.count));
  std::iota(ids.begin(), ids.end(), 0);
  result_.test = evaluate(engine_, data_.test, ids, normalization_, loss_.logits(), config_.batch);
}

void Trainer::write_result() {
  if (result_.interrupted) {  // the epoch that was cut short has trained, too
    result_.train_step_seconds += sums_.train_seconds;
    result_.images_trained += sums_.loss.samples;
  }
  result_.wall_seconds = progress_.seconds_used();
  result_.activation_bytes = engine_.activation_bytes();
  write_file_atomic(out_ / "result.json",
                    result_text(result_, {.params = engine_.parameters().count(),
                                          .trainable_params = engine_.parameters().trainable_count(),
                                          .precision = config_.precision,
                                          .isa = machine_info().instruction_set,
                                          .version = FRUGAL_VERSION,
                                          .threads = engine_.threads()}));
}

/// The part of the run's steps that has been done.
double Trainer::progress() const {
  return static_cast<double>(epoch_ * steps_ + sums_.steps) / static_cast<double>(config_.epochs * steps_);
}

Position Trainer::position() const {
  return {epoch_, sums_, optimizer_->steps(), result_.best_epoch, result_.best_val.top1};
}

void Trainer::stop_diverged(const std::string& what, double value) const {
  const std::string last_good = checkpoints_.last_good();
  throw Error(
      what + " became " + (std::isnan(value) ? "NaN" : "infinite") + " in epoch " +
      std::to_string(epoch_ + 1) + ", step " + std::to_string(std::min(sums_.steps + 1, steps_)) + " of " +
      std::to_string(steps_) + ", at learning rate " + exact_text(sums_.lr) + "; " +
      (last_good.empty() ? "nothing had been saved yet" : "the last good checkpoint is " + last_good) +
      "; a lower --lr may help");
}

void Trainer::require_finite_weights() {
  for (const float weight : engine_.parameters().all_weights()) {
    if (!std::isfinite(weight)) stop_diverged("a weight", weight);
  }
}

}  // namespace

TrainResult train(Engine& engine, const Graph& graph, const TrainConfig& config, const Dataset& data,
                  const std::filesystem::path& out, TrainObserver& observer) {
  validate(config);
  return Trainer(engine, graph, config, data, out, observer).run();
}

}  // namespace frugal

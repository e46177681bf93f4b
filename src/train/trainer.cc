#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/units.h"
#include "train/accumulate.h"
#include "train/anchor.h"
#include "train/batch_source.h"
#include "train/checkpoint_keeper.h"
#include "train/clip.h"
#include "train/clock_pace.h"
#include "train/ema.h"
#include "train/evaluations.h"
#include "train/features.h"
#include "train/history.h"
#include "train/limits.h"
#include "train/loss.h"
#include "train/optimizer.h"
#include "train/pace.h"
#include "train/position.h"
#include "train/run_batches.h"
#include "train/run_description.h"
#include "train/run_files.h"
#include "train/run_identity.h"
#include "train/schedule.h"
#include "train/whitening.h"

namespace frugal {

std::atomic<int> stop_requested{0};

namespace {

TrainConfig resolve(TrainConfig config, const Engine& engine) {
  config.precision = engine.precision() == Precision::bf16 ? "bf16" : "fp32";
  config.shard = engine.shard();
  return config;
}

std::optional<Ema> make_average(const TrainConfig& config, const Parameters& parameters) {
  if (config.ema == 0) return {};
  return Ema(config.ema, parameters);
}

/// The part of a time limit that measuring evaluations may take before the first step.
constexpr double most_preparing = 0.05;

/// The run has come to numbers that are none.
struct Diverged {
  std::string what;  // "the loss became NaN in epoch 3, step 7 of 352, at learning rate 0.1"
};

class Trainer {
 public:
  Trainer(Engine& engine, const Graph& graph, const TrainConfig& config, const Dataset& data,
          const std::filesystem::path& out, TrainObserver& observer, const RunControl& control);

  TrainResult run();

 private:
  Position begin();
  void find_anchors();
  std::vector<std::filesystem::path> fisher_files() const {
    return loss_.fisher_files(default_fisher(config_));
  }
  std::unique_ptr<Pace> make_pace();

  bool train_epoch();
  void train_step(std::span<const int32_t> ids, int64_t first_draw, double progress);
  void bring_back_optimizer(const Position& position);
  void choose_graph(double progress);
  GoOn while_time_allows() const;
  void keep_features();
  void finish_epoch();
  EpochRecord summarise() const;
  bool has_average() const { return average_ && position_.optimizer_steps > 0; }
  void validate_weights(EpochRecord& record, bool last);
  void update_best(const EpochRecord& record, bool last);
  void set_best(int64_t epoch, const Metrics& val, bool average);
  void exchange_average();
  void report(const EpochRecord& record);
  void save();
  void test();
  void write_result();

  void note(ProgressRecord::Kind kind, double value);
  void require_finite(const std::string& what, double value, int64_t step) const;
  void require_finite_weights() const;
  [[noreturn]] void refuse_without_step() const;
  void roll_back(const Diverged& diverged);
  [[noreturn]] void give_up(const Diverged& diverged) const;

  Engine& engine_;
  const Graph& graph_;
  const TrainConfig config_;
  const Dataset& data_;
  const std::filesystem::path out_;
  TrainObserver& observer_;
  const RunControl control_;
  const double started_;
  const RunIdentity identity_;
  const Normalization normalization_;
  const TrainValSplit split_;
  Loss loss_;
  const std::unique_ptr<Schedule> schedule_;
  const std::vector<double> changes_;  // progresses at which training goes on with another graph
  const std::unique_ptr<Optimizer> optimizer_;
  GradientAccumulator accumulator_;  // its state lies behind the optimizer's
  GradientClip clip_;
  std::optional<Ema> average_;
  DatasetBatch batch_;
  std::optional<Teacher> teacher_;
  CheckpointKeeper checkpoints_;
  RunFiles files_;
  const int64_t steps_;  // in an epoch
  const DivergencePolicy on_divergence_;
  int64_t changed_ = -1;  // how many of the changes are behind
  Position position_;
  const std::unique_ptr<Pace> pace_;
  Evaluations evaluations_;
  std::optional<CutGraph> cut_;
  std::optional<Features> features_;  // of the training images, at the cut
  Stopwatch epoch_clock_;
  TrainResult result_;
};

Trainer::Trainer(Engine& engine, const Graph& graph, const TrainConfig& config, const Dataset& data,
                 const std::filesystem::path& out, TrainObserver& observer, const RunControl& control)
    : engine_(engine),
      graph_(graph),
      config_(resolve(config, engine)),
      data_(data),
      out_(out),
      observer_(observer),
      control_(control),
      started_(control.started >= 0 ? control.started : boot_seconds()),
      identity_(run_identity(written_config(config_, graph), graph.model_file, data,
                             control.outside.teacher.get())),
      normalization_(choose_normalization(config.normalize, data.train)),
      split_(choose_split(config, data)),
      loss_(loss_for(config, data)),
      schedule_(parse_schedule(config.schedule, config.warmup)),
      changes_(changes_of_graph(config)),
      optimizer_(make_optimizer(config.optimizer, optimizer_options(config), engine, graph)),
      accumulator_(config.accumulate, engine.parameters()),
      clip_(config.clip),
      average_(make_average(config, engine.parameters())),
      batch_(data.train, batch_recipe(config, normalization_), static_cast<int64_t>(data.classes.size()),
             loss_.class_weights()),
      checkpoints_(out, with_identity(checkpoint_info(graph, config, data, normalization_), identity_), graph,
                   engine.parameters(), average_ ? &*average_ : nullptr,
                   [this](const std::string& warning) { observer_.on_message(warning); }),
      files_(
          out, control.resume, [this] { return boot_seconds() - started_; }, checkpoints_,
          parse_checkpoint_every(config.checkpoint_every),
          [this](const std::string& warning) { observer_.on_message(warning); }),
      steps_((static_cast<int64_t>(split_.train.size()) + config.batch - 1) / config.batch),
      on_divergence_(parse_on_divergence(config.on_divergence)),
      position_(begin()),
      pace_(make_pace()),
      evaluations_(engine, data, split_, normalization_, loss_.logits(), config.batch, *pace_) {
  find_anchors();
  if (control.outside.teacher) {
    teacher_.emplace(*control.outside.teacher, data.train, batch_recipe(config_, normalization_));
  }
  result_.history = files_.begin_at(position_);
  result_.limit_seconds = control.replay ? 0 : parse_max_time(config.max_time);
  result_.used_before_seconds = files_.seconds_used_before();
  result_.test_images = data.test.count;
  result_.best_val = result_.test = no_metrics();
}

TrainResult Trainer::run() {
  observer_.on_start(config_, graph_, engine_, static_cast<int64_t>(split_.train.size()),
                     static_cast<int64_t>(split_.val.size()));
  if (control_.resume) observer_.on_resume(result_.history, describe(position_));
  if (!position_.trained) {
    if (teacher_) teacher_->compute_all(split_.train, while_time_allows());
    keep_features();
  }
  if (pace_->decides_by_clock() && !position_.trained) {
    // What follows training has to be measured before a run can know when to stop. The checkpoint also means
    // that there is a model from the first moment on.
    save();
    evaluations_.prepare(most_preparing * result_.limit_seconds);
  }
  // Also where a run goes on: it may have ended between a checkpoint at an epoch's end and its boundary.
  if (on_divergence_.rollback && !position_.trained && position_.sums.steps == 0) {
    checkpoints_.keep_boundary(position_);
  }
  while (!position_.trained) {
    epoch_clock_ = {};
    try {
      if (!train_epoch()) break;
      finish_epoch();
    } catch (const Diverged& diverged) {
      roll_back(diverged);
    }
  }
  // A signal in the last epoch's validation finds the work done: then the run ends as if it had not come.
  result_.interrupted = !position_.trained;
  try {
    require_finite_weights();  // of an epoch that was cut short
  } catch (const Diverged& diverged) {
    give_up(diverged);
  }
  files_.finish(position_);
  if (!result_.interrupted) test();
  write_result();
  return std::move(result_);
}

/// Weights and position of the last checkpoint, or those that a run begins with.
Position Trainer::begin() {
  if (control_.resume) {
    const auto saved = checkpoints_.load([this](const CheckpointInfo& info, const std::string& file) {
      const std::string other = require_same_run(info, file, identity_, out_.string(), control_.force);
      if (!other.empty()) observer_.on_message(other);
    });
    if (saved) {
      bring_back_optimizer(*saved);
      engine_.weights_changed();
      return *saved;
    }
    observer_.on_message(out_.string() + ": nothing had been saved yet; starting anew");
  }
  if (!graph_.model_file.empty()) write_file_atomic(out_ / "model.toml", graph_.model_file);
  write_file_atomic(out_ / "config.toml", to_toml(written_config(config_, graph_)));
  engine_.parameters().initialise(config_.seed);
  engine_.weights_changed();
  whiten(engine_, graph_, data_.train, split_.train, normalization_);
  keep_fisher_files(out_, fisher_files());
  const OutsideInputs& outside = control_.outside;
  if (outside.initial_weights) {
    const std::vector<int> filled = outside.initial_weights(engine_.parameters());
    engine_.weights_changed();
    if (loss_.needs_initial_weights()) write_anchor(initial_anchor_file(out_), engine_.parameters(), filled);
  }
  return {};
}

/// What penalties pull to, as it was when the run began.
void Trainer::find_anchors() {
  loss_.anchor(engine_.parameters(),
               {[this] { return read_anchor(initial_anchor_file(out_), engine_.parameters()); },
                kept_fisher_files(out_, fisher_files().size())});
}

std::unique_ptr<Pace> Trainer::make_pace() {
  const PaceSizes sizes{.epochs = config_.epochs,
                        .steps_per_epoch = steps_,
                        .train_images = static_cast<int64_t>(split_.train.size()),
                        .val_images = static_cast<int64_t>(split_.val.size()),
                        .test_images = data_.test.count,
                        .validate_every = parse_validate_every(config_.validate_every),
                        .evaluations = average_ ? 2 : 1};
  if (control_.replay) return make_replay_pace(*control_.replay);
  const double limit = parse_max_time(config_.max_time);
  if (limit <= 0) return make_epoch_pace(sizes);
  return std::make_unique<ClockPace>(
      ClockLimits{limit, position_.first_step, [this] { return files_.seconds_used(); }}, sizes);
}

/// Trains to the epoch's end, or to the end of training within it; false where it was stopped between two
/// steps.
bool Trainer::train_epoch() {
  const auto epoch = static_cast<uint32_t>(position_.epoch);
  const std::vector<int32_t> order = order_of_epoch(config_, split_.train, data_.train.labels, epoch);
  const std::span<const int32_t> ids(order);
  batch_.set_epoch(epoch, ids);
  if (teacher_) teacher_->set_epoch(epoch, ids);
  const EpochSums& sums = position_.sums;
  while (sums.steps < steps_) {
    if (stop_requested != 0) return false;
    const std::optional<double> progress = pace_->next_step(position_.steps);
    if (!progress) {
      if (position_.steps == 0) refuse_without_step();
      return true;
    }
    const auto first = static_cast<size_t>(sums.steps * config_.batch);
    train_step(ids.subspan(first, std::min(static_cast<size_t>(config_.batch), ids.size() - first)),
               static_cast<int64_t>(first), *progress);
    observer_.on_step(position_.epoch + 1, sums.steps, steps_, sums.loss.loss / sums.loss.weight);
    if (pace_->wants_probe()) evaluations_.probe();
    if (sums.steps == steps_ || !files_.checkpoint_due(position_.steps)) continue;
    require_finite_weights();  // broken ones must not take the place of good ones
    save();
  }
  return true;
}

void Trainer::train_step(std::span<const int32_t> ids, int64_t first_draw, double progress) {
  const Stopwatch clock;
  EpochSums& sums = position_.sums;
  const auto draw = static_cast<uint32_t>(first_draw);
  if (position_.first_step < 0) position_.first_step = files_.seconds_used();
  note(ProgressRecord::Kind::step, progress);
  sums.lr =
      config_.lr * position_.lr_factor * schedule_->factor(moment_at(progress, position_.steps, steps_));
  ++position_.steps;  // also one that diverges has been begun, and is written down
  if (!changes_.empty()) choose_graph(progress);
  batch_.set(ids, draw);
  if (teacher_) batch_.set_teacher(teacher_->logits(ids, draw));
  const LossSums loss = engine_.train_step(batch_, loss_.logits(),
                                           {config_.seed, static_cast<uint32_t>(position_.epoch), draw});
  const double mean = loss.loss / batch_.weight();
  const int64_t step = sums.steps + 1;
  require_finite("the loss", mean, step);
  const double penalty = loss_.add_penalties(engine_);
  require_finite("the penalty on the parameters", penalty, step);

  if (accumulator_.add(engine_, sums.steps, steps_)) {
    require_finite("the gradient's norm", clip_.apply(engine_), step);
    optimizer_->step(engine_, sums.lr);
    position_.optimizer_steps = optimizer_->steps();
    if (average_) average_->update(engine_, position_.optimizer_steps);
    engine_.weights_changed();
  }
  sums.loss += loss;
  sums.batch_means += mean;
  sums.penalties += penalty;
  ++sums.steps;
  const double seconds = clock.seconds();
  sums.train_seconds += seconds;
  pace_->took_step(seconds);
}

void Trainer::choose_graph(double progress) {
  const int64_t changed = std::ranges::count_if(changes_, [&](double at) { return at <= progress; });
  if (changed == changed_) return;
  changed_ = changed;
  const Graph now = graph_at(config_, graph_, progress);
  engine_.train_at(now);
  optimizer_->train_only(engine_.parameters(), now);
  loss_.train_only(engine_.parameters(), now);
  position_.changed_at.resize(static_cast<size_t>(changed + 1), position_.optimizer_steps);
}

/// The optimizer as it was at `position`: what joined it when, too.
void Trainer::bring_back_optimizer(const Position& position) {
  const auto graph_after = [this](size_t changes) {
    return graph_at(config_, graph_, changes == 0 ? 0 : changes_[changes - 1]);
  };
  changed_ = std::ssize(position.changed_at) - 1;
  for (size_t changes = 0; changes < position.changed_at.size(); ++changes) {
    optimizer_->set_steps(position.changed_at[changes]);
    optimizer_->train_only(engine_.parameters(), graph_after(changes));
  }
  // Those before it are not planned for nothing.
  if (changed_ >= 0) {
    const Graph now = graph_after(static_cast<size_t>(changed_));
    engine_.train_at(now);
    loss_.train_only(engine_.parameters(), now);
  }
  optimizer_->set_steps(position.optimizer_steps);
}

/// What is computed once, for all images, may take half of the time that is left, and is not finished for a
/// signal's sake.
GoOn Trainer::while_time_allows() const {
  const double limit = result_.limit_seconds, before = result_.used_before_seconds;
  return [this, limit, before] {
    return stop_requested == 0 && (limit == 0 || files_.seconds_used() < before + (limit - before) / 2);
  };
}

/// Where frozen layers see the same images in every epoch, what they yield is computed now, once.
void Trainer::keep_features() {
  if (config_.augment != "none" || !changes_.empty() || config_.freeze == "none") return;
  cut_ = cut_frozen(graph_);
  if (!cut_ || !worth_keeping(*cut_)) return;
  const std::string what = "what the frozen layers yield of " + with_thousands(data_.train.count) +
                           " images (up to " + graph_.nodes[static_cast<size_t>(cut_->node)].name + ")";
  const int64_t bytes = Features::bytes(*cut_, data_.train, engine_.precision());
  if (bytes > available_memory() / 2) {
    observer_.on_message(what + " would take " + human_bytes(bytes) + ": computed anew in every epoch");
    return;
  }
  features_ = Features::of(engine_, *cut_, data_.train, normalization_, while_time_allows());
  if (!features_) {
    engine_.evaluate_at(graph_);
    if (stop_requested == 0)
      observer_.on_message("no time to keep " + what + ": computed anew in every epoch");
    return;
  }
  pace_->steps_are_cheap();
  batch_.take_from(&*features_);
  engine_.train_at(cut_->above);
  evaluations_.take_from(*features_, *cut_, graph_);
  observer_.on_note("kept " + what + ": " + human_bytes(bytes));
}

void Trainer::finish_epoch() {
  const bool complete = position_.sums.steps == steps_;
  bool last = !complete || !pace_->another_epoch(position_.steps);
  EpochRecord record = summarise();
  if (last) note(ProgressRecord::Kind::trained, position_.sums.steps == 0 && position_.epoch > 0 ? 1 : 0);
  validate_weights(record, last);
  record.seconds = position_.sums.seconds + epoch_clock_.seconds();
  report(record);

  // Weights that are broken must not take the place of good ones.
  if (record.val.samples > 0) require_finite("the validation loss", record.val.loss, position_.sums.steps);
  require_finite_weights();
  update_best(record, last);
  if (!last && config_.patience > 0 && position_.stale >= config_.patience) {
    last = position_.out_of_patience = true;
    note(ProgressRecord::Kind::trained, 1);
  }
  position_.images += record.train.samples;
  position_.train_seconds += record.train_seconds;
  if (complete) ++position_.epoch;
  position_.sums = {};
  position_.trained = last;
  save();
  if (on_divergence_.rollback && !last) checkpoints_.keep_boundary(position_);
}

EpochRecord Trainer::summarise() const {
  const EpochSums& sums = position_.sums;
  const auto steps = static_cast<double>(sums.steps);
  EpochRecord record;
  record.epoch = position_.epoch + 1;
  record.steps = position_.steps;
  record.train = to_metrics(sums.loss, sums.batch_means / steps);
  record.val = record.ema = no_metrics();
  record.penalty = sums.steps > 0 ? sums.penalties / steps : 0;
  record.lr = sums.lr;
  record.train_seconds = sums.train_seconds;
  return record;
}

/// At the end of training always, unless that is where they were validated already.
void Trainer::validate_weights(EpochRecord& record, bool last) {
  if (split_.val.empty() || position_.validated_at == position_.steps) return;
  if (!last) {
    const bool wanted = pace_->validate(record.epoch, position_.steps);
    note(ProgressRecord::Kind::validate, wanted ? 1 : 0);
    if (!wanted) return;
  }
  const auto evaluate_now = [&](FinalPass pass, ProgressRecord::Kind kind) {
    if (!last) return evaluations_.validate();
    const Metrics metrics = evaluations_.validate_last(pass);
    note(kind, static_cast<double>(metrics.samples));
    return metrics;
  };
  record.val = evaluate_now(FinalPass::validation, ProgressRecord::Kind::validated);
  if (has_average() && record.val.samples == std::ssize(split_.val)) {
    exchange_average();
    record.ema = evaluate_now(FinalPass::average, ProgressRecord::Kind::averaged);
    exchange_average();
    if (record.ema.samples < std::ssize(split_.val)) record.ema = no_metrics();
  }
  if (record.val.samples < std::ssize(split_.val)) {
    observer_.on_message("time ran out before the last weights were validated");
    record.val = no_metrics();
    return;
  }
  position_.validated_at = position_.steps;
}

void Trainer::update_best(const EpochRecord& record, bool last) {
  // Without validation nothing is chosen: who asked for an average gets it.
  if (split_.val.empty() && has_average() && last)
    return set_best(record.epoch, no_metrics(), /*average=*/true);
  if (record.val.samples == 0) return;
  const bool average = record.ema.samples > 0 && record.ema.top1 > record.val.top1;
  const Metrics& val = average ? record.ema : record.val;
  if (position_.best_epoch > 0 && !(val.top1 > position_.best_val.top1)) {
    ++position_.stale;
    return;
  }
  set_best(record.epoch, val, average);
}

void Trainer::set_best(int64_t epoch, const Metrics& val, bool average) {
  position_.best_epoch = epoch;
  position_.best_step = position_.steps;
  position_.best_val = val;
  position_.best_is_ema = average;
  position_.stale = 0;
  std::map<std::string, std::string> extra = {{"epoch", std::to_string(epoch)},
                                              {"step", std::to_string(position_.steps)},
                                              {"weights", average ? "ema" : "last step"}};
  if (val.samples > 0) {
    extra["val_top1"] = exact_text(val.top1);
    extra["val_loss"] = exact_text(val.loss);
  }
  if (average) exchange_average();
  checkpoints_.set_best(std::move(extra));
  if (average) exchange_average();
}

/// The average of weights takes the place of the last step's, or the other way round.
void Trainer::exchange_average() {
  average_->swap_with(engine_.parameters());
  engine_.weights_changed();
}

/// To the log, and to whoever listens.
void Trainer::report(const EpochRecord& record) {
  const Stopwatch clock;
  result_.history.push_back(record);
  files_.log(log_line(record), position_.log_lines);
  const auto left = static_cast<double>(config_.epochs - record.epoch);
  const double by_epochs = files_.seconds_used() / static_cast<double>(record.epoch) * left;
  observer_.on_epoch(record, config_.epochs, pace_->seconds_left().value_or(by_epochs));
  pace_->took_report(clock.seconds());
}

void Trainer::save() {
  const Stopwatch clock;
  Position position = position_;
  if (position.sums.steps > 0) position.sums.seconds += epoch_clock_.seconds();
  files_.save(position);
  pace_->took_save(clock.seconds());
}

/// Reads the test split: once, of the weights that the run hands over.
void Trainer::test() {
  result_.tested = !checkpoints_.restore_best() ? "last" : position_.best_is_ema ? "ema" : "best";
  engine_.weights_changed();
  result_.test = evaluations_.test();
  note(ProgressRecord::Kind::tested, static_cast<double>(result_.test.samples));
  if (result_.test.samples < result_.test_images) {
    observer_.on_message("time ran out in the test: it is of " + with_thousands(result_.test.samples) +
                         " of " + with_thousands(result_.test_images) + " images");
  }
}

void Trainer::write_result() {
  result_.epochs = position_.epoch;
  result_.stopped_early = position_.out_of_patience;
  result_.steps = position_.steps;
  result_.best_epoch = position_.best_epoch;
  result_.best_val = position_.best_val;
  // An epoch that was cut short has trained, too.
  result_.train_step_seconds = position_.train_seconds + position_.sums.train_seconds;
  result_.images_trained = position_.images + position_.sums.loss.samples;
  result_.wall_seconds = files_.seconds_used();
  result_.activation_bytes = engine_.activation_bytes();
  write_file_atomic(out_ / "result.json",
                    result_text(result_, {.params = engine_.parameters().count(),
                                          .trainable_params = engine_.parameters().trainable_count(),
                                          .precision = config_.precision,
                                          .isa = machine_info().instruction_set,
                                          .processor = machine_info().processor,
                                          .version = FRUGAL_VERSION,
                                          .threads = engine_.threads()}));
}

/// Writes down what depends on the clock, for a replay.
void Trainer::note(ProgressRecord::Kind kind, double value) {
  if (pace_->decides_by_clock()) files_.note(kind, position_.steps, value);
}

/// `step` of the epoch, from 1.
void Trainer::require_finite(const std::string& what, double value, int64_t step) const {
  if (std::isfinite(value)) return;
  throw Diverged{what + " became " + (std::isnan(value) ? "NaN" : "infinite") + " in epoch " +
                 std::to_string(position_.epoch + 1) + ", step " + std::to_string(step) + " of " +
                 std::to_string(steps_) + ", at learning rate " + exact_text(position_.sums.lr)};
}

void Trainer::require_finite_weights() const {
  for (const float weight : engine_.parameters().all_weights())
    require_finite("a weight", weight, position_.sums.steps);
}

/// A model that has learned nothing is none.
void Trainer::refuse_without_step() const {
  if (control_.replay) throw Error("the run took no step: there is nothing to repeat");
  throw Error("--max-time " + config_.max_time + " leaves no time for a step, after " +
                  human_duration(files_.seconds_used()) +
                  " and with what is kept for the end; a longer one " + "or a smaller network is needed",
              ExitCode::limit);
}

void Trainer::give_up(const Diverged& diverged) const {
  const std::string last_good = checkpoints_.last_good();
  const std::string tried =
      position_.rollbacks > 0 ? "it has gone back " + std::to_string(position_.rollbacks) + " times; " : "";
  throw Error(
      diverged.what + "; " + tried +
      (last_good.empty() ? "nothing had been saved yet" : "the last good checkpoint is " + last_good) +
      "; a lower --lr may help");
}

/// Back to the last epoch boundary, with a lower learning rate, if that was asked for; else the run ends
/// here.
void Trainer::roll_back(const Diverged& diverged) {
  if (!on_divergence_.rollback || position_.rollbacks >= on_divergence_.times) give_up(diverged);
  Position boundary = checkpoints_.load_boundary();
  boundary.lr_factor = position_.lr_factor * on_divergence_.factor;
  boundary.rollbacks = position_.rollbacks + 1;
  boundary.log_lines = position_.log_lines;
  boundary.first_step = position_.first_step;
  boundary.train_seconds = position_.train_seconds + position_.sums.train_seconds;
  // Time that has passed does not come back, and what the clock has decided stands.
  if (pace_->decides_by_clock()) boundary.steps = position_.steps;
  position_ = boundary;
  bring_back_optimizer(position_);
  engine_.weights_changed();
  files_.log(rollback_line(position_, diverged.what), position_.log_lines);
  observer_.on_message(diverged.what + "; going back to where it was " + describe(position_) +
                       ", from now on at " + exact_text(position_.lr_factor) + " times the learning rate");
}

}  // namespace

TrainResult train(Engine& engine, const Graph& graph, const TrainConfig& config, const Dataset& data,
                  const std::filesystem::path& out, TrainObserver& observer, const RunControl& control) {
  validate(config);
  return Trainer(engine, graph, config, data, out, observer, control).run();
}

}  // namespace frugal

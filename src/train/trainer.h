// The training loop: epochs of steps, validation, history, best weights, the final test.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/split.h"
#include "graph/graph.h"
#include "nn/engine.h"
#include "train/config.h"
#include "train/features.h"
#include "train/loss.h"
#include "train/metrics.h"
#include "train/outside.h"
#include "train/progress_file.h"

namespace frugal {

/// Hears of what happens, to print or to draw it. Called on the training thread.
class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  /// Once, before the first step: the configuration as resolved, and what it came to.
  virtual void on_start(const TrainConfig& /*resolved*/, const Graph& /*graph*/, const Engine& /*engine*/,
                        int64_t /*train_images*/, int64_t /*val_images*/) {}
  /// Before the first step of a run that goes on: the epochs that it has behind it, and where it stands.
  virtual void on_resume(const std::vector<EpochRecord>& /*history*/, const std::string& /*where*/) {}
  virtual void on_step(int64_t /*epoch*/, int64_t /*step*/, int64_t /*steps*/, double /*loss_so_far*/) {}
  /// `epochs` is 0 where only a clock ends the run.
  virtual void on_epoch(const EpochRecord& /*record*/, int64_t /*epochs*/, double /*seconds_left*/) {}
  /// Something that the user should know of, or may want to.
  virtual void on_message(const std::string& /*text*/) {}
  virtual void on_note(const std::string& /*text*/) {}
};

struct TrainResult {
  std::vector<EpochRecord> history;  // of the whole run, resumed or not
  int64_t epochs = 0, steps = 0;     // complete epochs, and steps in all
  int64_t best_epoch = 0;
  Metrics best_val, test;
  int64_t test_images = 0;         // of which `test` is about fewer where time ran out
  std::string tested;              // "best", "ema" or "last"
  double limit_seconds = 0;        // 0: none
  double used_before_seconds = 0;  // by the programs that had run it before
  double wall_seconds = 0, train_step_seconds = 0;
  int64_t images_trained = 0;
  int64_t activation_bytes = 0;  // peak, of all threads
  bool interrupted = false, stopped_early = false;
};

/// Set from signal handlers: the step in progress is finished, everything is saved, and the run ends.
extern std::atomic<int> stop_requested;  // 0, or the signal's number

/// How a run is done, beside what it computes.
struct RunControl {
  /// Goes on from the directory's last checkpoint; from the start where there is none.
  bool resume = false;
  /// With `resume`: does so although program or instruction set are others, with a warning.
  bool force = false;
  /// On base/clock.h's clock, from which the limit of time counts; negative: now.
  double started = -1;
  OutsideInputs outside = {};
  /// Steps, validations and the end as a clock-driven run has written them down.
  std::optional<ProgressLog> replay = {};
};

/// What `--augment auto` means: a mirror image and a shift by up to an eighth of the side for images of three
/// channels (He et al. 2016: 4 of 32 pixels), nothing for others and where layers are frozen.
std::string choose_augment(const TrainConfig& config, Shape images);

/// Makes the engine that `config` asks for, and writes back what was left open: precision, shard and
/// augmentation. An explicit `bf16` without hardware for it is a usage error.
std::unique_ptr<Engine> make_engine(const Graph& graph, TrainConfig& config);

/// The network that `config` names, for the images and classes of `data`, frozen as at the run's end.
Graph graph_for(const TrainConfig& config, const Dataset& data);

/// The same network as training has it at `progress`: for images of that size, frozen as it is then.
Graph graph_at(const TrainConfig& config, const Graph& graph, double progress);

/// At which progresses, in order, training goes on with another graph: images of another size, or layers that
/// are trained from there on. Empty where it never does.
std::vector<double> changes_of_graph(const TrainConfig& config);

/// The Fisher information that `ewc` means without a name: that of the run which --from names; empty: none.
std::filesystem::path default_fisher(const TrainConfig& config);

/// What can be refused only with data and network at hand, as usage errors: changes that images are too small
/// for, normalisation of other channels, groups of no parameter, image sizes that the network cannot take.
/// Call it before anything is written.
void check_run(Engine& engine, const Graph& graph, const TrainConfig& config, const Dataset& data);

/// Refuses files of Fisher information that are not there or of another network. A run that goes on has its
/// own copies.
void check_fisher_files(Engine& engine, const TrainConfig& config, const Dataset& data);

/// Trains `config` on `data` into the existing directory `out`, which is locked meanwhile: config.toml,
/// model.toml (where the model is a file), log.jsonl, progress.bin, last / last.prev / best.safetensors,
/// result.json. (curves.svg is the caller's: `eval` draws it.) Throws Error when the loss is not finite,
/// naming step, learning rate and last good checkpoint, and where a run cannot be gone on with, naming what
/// differs.
TrainResult train(const TrainConfig& config, const Dataset& data, const std::filesystem::path& out,
                  TrainObserver& observer, const RunControl& control = {});

/// The same with an engine that the caller made for `graph`; its weights are initialised from config.seed.
TrainResult train(Engine& engine, const Graph& graph, const TrainConfig& config, const Dataset& data,
                  const std::filesystem::path& out, TrainObserver& observer, const RunControl& control = {});

/// What is left of the data set by --select, --fraction and --coarse; call it once, before anything else.
void apply_selection(const TrainConfig& config, Dataset& data);

/// What `config` minimises on `data`, whose classes and their counts it needs.
Loss loss_for(const TrainConfig& config, const Dataset& data);

/// Which of the training images are held out.
TrainValSplit choose_split(const TrainConfig& config, const Dataset& data);

/// What is asked of the network about an image: its logits, or the mean of those for it and its mirror image.
enum class TestTime { plain, flip };

/// How many of `wanted` further images may be evaluated, `done` of them having been; 0 ends it.
using GrantImages = std::function<int64_t(int64_t done, int64_t wanted)>;

/// What else there is to say of an evaluation.
struct EvaluateOptions {
  TestTime test_time = TestTime::plain;
  GrantImages grant = {};
  /// Stand for the images that they were made of, where the engine evaluates the graph behind them; null:
  /// none.
  const Features* features = nullptr;
  /// [ids, classes]: also gets the logits; empty: does not.
  std::span<float> logits = {};
};

/// Accuracy and loss of the engine's weights on the images `ids`. `batch` is only what loss_batch_mean
/// averages over; the result does not depend on the number of threads. With a grant, images are taken a shard
/// for each thread at a time and in an order that is a sample of them all wherever it ends; what is measured
/// is of those that were granted, and of all of them the same figures as without.
Metrics evaluate(Engine& engine, const ImageSet& images, const std::vector<int32_t>& ids,
                 const Normalization& normalization, const LogitLoss& loss, int64_t batch,
                 const EvaluateOptions& options = {});

}  // namespace frugal

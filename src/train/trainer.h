// The training loop: epochs of steps, validation, history, best weights, the final test.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/split.h"
#include "graph/graph.h"
#include "nn/engine.h"
#include "train/config.h"

namespace frugal {

/// Means over samples; NaN where nothing was measured.
struct Metrics {
  double loss = 0, top1 = 0, top3 = 0, top5 = 0;  // accuracies in [0, 1]
  int64_t samples = 0;
  double loss_batch_mean = 0;  // the notebook's: mean of batch means, so that a small last batch weighs more
};

struct EpochRecord {
  int64_t epoch = 0;  // from 1
  Metrics train, val;
  double val_loss_batch_mean = 0, train_loss_batch_mean = 0;  // as in `val` and `train`
  double penalty = 0;  // mean over steps of the penalties on parameters; not part of `train.loss`
  double lr = 0;       // of the epoch's last step
  double seconds = 0, train_seconds = 0;  // the only fields that depend on the clock
};

/// Hears of what happens, to print or to draw it. Called on the training thread.
class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  /// Once, before the first step: the configuration as resolved, and what it came to.
  virtual void on_start(const TrainConfig& /*resolved*/, const Graph& /*graph*/, const Engine& /*engine*/,
                        int64_t /*train_images*/, int64_t /*val_images*/) {}
  virtual void on_step(int64_t /*epoch*/, int64_t /*step*/, int64_t /*steps*/, double /*loss_so_far*/) {}
  virtual void on_epoch(const EpochRecord& /*record*/, int64_t /*epochs*/, double /*seconds_left*/) {}
  virtual void on_message(const std::string& /*text*/) {}
};

struct TrainResult {
  std::vector<EpochRecord> history;
  int64_t best_epoch = 0;
  Metrics best_val, test;
  std::string tested;  // "best" or "last"
  double wall_seconds = 0, train_step_seconds = 0;
  int64_t images_trained = 0;
  int64_t activation_bytes = 0;  // peak, of all threads
  bool interrupted = false;
};

/// Set from signal handlers: the step in progress is finished, everything is saved, and the run ends.
extern std::atomic<int> stop_requested;  // 0, or the signal's number

/// Makes the engine that `config` asks for, and writes back what was left open: precision and shard. An
/// explicit `bf16` without hardware for it is a usage error.
std::unique_ptr<Engine> make_engine(const Graph& graph, TrainConfig& config);

/// The same network for images of size x size pixels.
Graph graph_at(const TrainConfig& config, const Graph& graph, int64_t size);

/// What can be refused only with data and network at hand, as usage errors: changes that images are too small
/// for, normalisation of other channels, groups of no parameter, image sizes that the network cannot take.
/// Call it before anything is written.
void check_run(Engine& engine, const Graph& graph, const TrainConfig& config, const Dataset& data);

/// Trains `config` on `data` into the existing directory `out`, which is locked meanwhile: config.toml,
/// model.toml (where the model is a file), log.jsonl, progress.bin, last / last.prev / best.safetensors,
/// result.json. (curves.svg is the caller's: `eval` draws it.) Throws Error when the loss is not finite,
/// naming step, learning rate and last good checkpoint.
TrainResult train(const TrainConfig& config, const Dataset& data, const std::filesystem::path& out,
                  TrainObserver& observer);

/// The same with an engine that the caller made for `graph`; its weights are initialised from config.seed.
TrainResult train(Engine& engine, const Graph& graph, const TrainConfig& config, const Dataset& data,
                  const std::filesystem::path& out, TrainObserver& observer);

/// What is left of the data set by --select, --fraction and --coarse; call it once, before anything else.
void apply_selection(const TrainConfig& config, Dataset& data);

/// Which of the training images are held out.
TrainValSplit choose_split(const TrainConfig& config, const Dataset& data);

/// What is asked of the network about an image: its logits, or the mean of those for it and its mirror image.
enum class TestTime { plain, flip };

/// Accuracy and loss of the engine's weights on the images `ids`, in that order. `batch` is only what
/// loss_batch_mean averages over; the result does not depend on the number of threads.
Metrics evaluate(Engine& engine, const ImageSet& images, const std::vector<int32_t>& ids,
                 const Normalization& normalization, const LogitLoss& loss, int64_t batch,
                 TestTime test_time = TestTime::plain);

}  // namespace frugal

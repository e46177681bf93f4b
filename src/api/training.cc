#include "frugal/training.h"

#include <csignal>
#include <mutex>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "data/dataset_check.h"
#include "run/model_formats.h"
#include "run/train_flags.h"
#include "run/training_run.h"
#include "train/history.h"

namespace frugal {
namespace {

Figures figures(const Metrics& metrics) {
  return {metrics.loss, metrics.top1, metrics.top5, metrics.samples};
}

/// Hands on what the caller asked to hear.
class Listener : public TrainObserver {
 public:
  explicit Listener(const Training& training) : training_(training) {}

  void on_epoch(const EpochRecord& record, int64_t epochs, double seconds_left) override {
    if (!training_.on_epoch) return;
    training_.on_epoch(
        {record.epoch, epochs, record.lr, figures(record.train), figures(record.val), seconds_left});
  }
  void on_message(const std::string& text) override {
    if (training_.on_message) training_.on_message(text);
  }

 private:
  const Training& training_;
};

GivenFlags flags_of(const Training& training) {
  GivenFlags given;
  for (const auto& [name, value] : training.settings) {
    if (name == "out" || name == "tensorboard" || name == "max-params") {
      throw usage_error(name + " is no setting here but a member of Training");
    }
    give(given, "--" + name, value);
  }
  if (!training.data) return given;
  // What says which images are read, or how.
  for (const std::string name : {"data", "image-size", "skip-bad"}) {
    if (given.contains("--" + name)) {
      throw usage_error("the setting " + name + " and images of the program's own exclude each other");
    }
  }
  return given;
}

TrainingReport run(Training& training, RunRequest request, double started) {
  stop_requested = 0;  // a request is of the run that it was made in, however that ended
  static std::once_flag formats;
  std::call_once(formats, add_model_formats);
  request.control.started = started;
  Listener listener(training);
  request.how.cache_root = user_cache();
  request.tensorboard = training.tensorboard;
  request.how.on_warning = [&](const std::string& text) { listener.on_message(text); };
  if (training.data) {
    check_own_dataset(*training.data);
    training.data->fingerprint = dataset_fingerprint(*training.data);
    warn_of_dataset(*training.data, request.how);
    request.data = std::move(training.data);
  }
  TrainingRun prepared = prepare_run(std::move(request));
  for (const std::string& warning : prepared.warnings) listener.on_message(warning);
  const TrainResult result = carry_out(prepared, listener);
  const std::string overrun = overrun_text(result, started);
  if (!overrun.empty()) listener.on_message(overrun);
  return {.out = prepared.out(),
          .parameters = prepared.graph.parameter_count(),
          .epochs = result.epochs,
          .steps = result.steps,
          .best_epoch = result.best_epoch,
          .val = figures(result.best_val),
          .test = figures(result.test),
          .seconds = boot_seconds() - started,
          .interrupted = result.interrupted};
}

}  // namespace

TrainingReport train(Training training) {
  const double started = boot_seconds();
  RunRequest request;
  request.config = configure(flags_of(training), "");
  if (training.data) {
    std::string& name = training.data->name;
    if (name.empty()) name = "own images";
    require_utf8("Dataset::name", name);
    request.config.data = name;
    if (training.data->path.empty()) training.data->path = name;  // what warnings speak of
  }
  request.out = training.out.string();
  if (training.max_params > 0) request.max_params = std::to_string(training.max_params);
  return run(training, std::move(request), started);
}

TrainingReport resume_training(const std::filesystem::path& run_directory, Training training) {
  const double started = boot_seconds();
  for (const auto& [name, value] : training.settings) {
    if (name != "threads") throw usage_error("a run goes on with its own settings; leave " + name + " out");
  }
  RunRequest request = request_to_resume(run_directory, flags_of(training));
  if (!finished_result(run_directory).empty())
    throw Error(run_directory.string() + " has finished; nothing is left to do");
  return run(training, std::move(request), started);
}

void request_stop() noexcept { stop_requested = SIGINT; }

}  // namespace frugal

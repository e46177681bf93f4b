#include "run/training_run.h"

#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/units.h"
#include "data/split.h"
#include "graph/presets.h"
#include "graph/table.h"
#include "run/curve_keeper.h"
#include "run/outside_inputs.h"
#include "run/tensorboard.h"
#include "train/limits.h"
#include "train/progress_file.h"

namespace frugal {
namespace {

void check_max_params(const Graph& graph, const std::string& limit_text) {
  if (limit_text.empty()) return;
  const int64_t limit = parse_count(limit_text, "--max-params"), count = graph.parameter_count();
  if (count <= limit) return;
  std::string largest;
  for (const LayerRow& layer : largest_layers(graph, 3)) {
    largest += (largest.empty() ? "" : ", ") + layer.name + " (" + with_thousands(layer.parameters) + ")";
  }
  const std::string frozen = graph.trainable_count() == count
                                 ? ""
                                 : " (" + with_thousands(graph.trainable_count()) + " of them trainable)";
  throw Error("--max-params " + limit_text + ": " + graph.model + " has " + with_thousands(count) +
                  " parameters" + frozen + ", " + with_thousands(count - limit) +
                  " too many; its largest layers: " + largest,
              ExitCode::limit);
}

std::vector<std::string> slow_paths(const TrainConfig& config, const MachineInfo& machine) {
  std::vector<std::string> warnings;
  if (!machine.bf16) {
    warnings.emplace_back(
        "this processor has neither AMX nor AVX512-BF16: training in fp32, several times slower");
  } else if (config.precision == "fp32") {
    warnings.emplace_back("fp32 was asked for; bf16, which this processor has, is several times faster");
  }
  if (machine.instruction_set.find("AVX") == std::string::npos &&
      machine.instruction_set.find("AMX") == std::string::npos) {
    warnings.emplace_back("this processor lacks AVX2: everything works, slowly");
  }
  return warnings;
}

/// Where the limit is over before the first step there is no run.
struct Deadline {
  double started = 0, limit = 0;  // 0: none

  void require_time(const std::string& after) const {
    const double used = boot_seconds() - started;
    if (limit <= 0 || used < limit) return;
    throw Error("--max-time " + human_duration(limit) + " was over after " + human_duration(used) + ", " +
                    after + "; a longer one is needed",
                ExitCode::limit);
  }
};

/// A network that is too large is refused before pictures are decoded for it.
LoadOptions refusing(LoadOptions how, const TrainConfig& config, const std::string& max_params) {
  how.on_layout = [config, max_params](const DataLayout& layout) {
    Dataset empty;
    empty.name = config.data;
    empty.classes = layout.classes;
    empty.train.height = layout.size.height, empty.train.width = layout.size.width;
    empty.train.channels = layout.channels;
    TrainConfig whole = config;
    whole.fraction = 1;  // of no images there is no part, and it does not change the network
    apply_selection(whole, empty);
    check_max_params(graph_for(whole, empty), max_params);
  };
  return how;
}

/// Reading stops where time does.
LoadOptions limited(LoadOptions how, const Deadline& deadline) {
  if (deadline.limit <= 0) return how;
  const auto show = std::move(how.progress);
  how.progress = [show, deadline](const std::string& what, int64_t done, int64_t total) {
    deadline.require_time("while data was read");
    if (show) show(what, done, total);
  };
  return how;
}

}  // namespace

RunRequest request_to_resume(const std::filesystem::path& directory, const GivenFlags& given) {
  std::error_code failure;
  if (!std::filesystem::exists(directory / "config.toml", failure)) {
    throw Error(directory.string() + " is not a run that can go on: there is no config.toml in it");
  }
  RunRequest request;
  request.config = configure(given, (directory / "config.toml").string());
  request.control.resume = true;
  if (request.config.replay != "none") request.control.replay = read_progress(request.config.replay);
  request.out = directory.string();
  return request;
}

TrainingRun prepare_run(RunRequest request) {
  TrainConfig& config = request.config;
  const bool resume = request.control.resume;
  const bool limited_by_clock = !resume && !request.control.replay;
  const Deadline deadline{request.control.started, limited_by_clock ? parse_max_time(config.max_time) : 0};
  Dataset data;
  if (request.data) {
    choose_precision(config.precision);
    data = std::move(*request.data);
    apply_selection(config, data);
  } else {
    data = load_training_data(config, refusing(limited(request.how, deadline), config, request.max_params));
  }
  Graph graph = graph_for(config, data);
  check_max_params(graph, request.max_params);
  auto engine = make_engine(graph, config);
  check_run(*engine, graph, config, data);
  if (!resume) check_fisher_files(*engine, config, data);
  const TrainValSplit split = choose_split(config, data);
  deadline.require_time("before the first step");

  Outside outside = outside_inputs(config, graph, data, resume ? WhenRead::needed : WhenRead::now);
  request.control.outside = std::move(outside.inputs);
  const MachineInfo machine = machine_info();
  std::vector<std::string> warnings = slow_paths(config, machine);
  if (const std::string doubt = outside.from ? doubt_text(*outside.from, graph) : ""; !doubt.empty()) {
    warnings.push_back(doubt);
  }
  RunDirectory directory = resume ? RunDirectory::existing(request.out)
                                  : RunDirectory::make(request.out, model_label(config.model));
  return {std::move(config),       std::move(request.control), machine,
          std::move(data),         std::move(graph),           std::move(engine),
          std::ssize(split.train), std::ssize(split.val),      std::move(outside.from),
          std::move(warnings),     std::move(directory),       std::move(request.tensorboard)};
}

TrainResult carry_out(TrainingRun& run, TrainObserver& observer) {
  std::optional<TensorboardWriter> tensorboard;
  if (!run.tensorboard.empty()) {
    tensorboard.emplace(run.tensorboard / run.out().filename(), *run.engine, observer);
    if (!run.control.resume) tensorboard->show_samples(run.data, run.config);
  }
  TrainObserver& next = tensorboard ? *tensorboard : observer;
  CurveKeeper keeper(run.out(), run.config.model + " on " + run.data.name, next);
  TrainResult result = train(*run.engine, run.graph, run.config, run.data, run.out(), keeper, run.control);
  keeper.finish(result);
  if (tensorboard) tensorboard->finish(result);
  return result;
}

std::string overrun_text(const TrainResult& result, double started) {
  const double limit = result.limit_seconds;
  const double over = result.used_before_seconds + boot_seconds() - started - limit;
  if (limit <= 0 || result.interrupted || over <= 0) return "";
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.2f", over);
  return "the limit of " + human_duration(limit) + " was exceeded by " + seconds +
         "s: the processor or the disk was not to be had for longer than was kept back";
}

Dataset load_training_data(const TrainConfig& config, LoadOptions how) {
  choose_precision(config.precision);
  how.image_size = parse_image_size(config.image_size, "--image-size");
  how.skip_bad = config.skip_bad;
  how.threads = config.threads;
  Dataset data = load_dataset(config.data, how);
  apply_selection(config, data);
  return data;
}

}  // namespace frugal

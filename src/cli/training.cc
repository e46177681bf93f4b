// A training run as `train` and `resume` do it: data, network, run directory, and everything that is said on
// the way.
#include "cli/training.h"

#include <cmath>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/units.h"
#include "cli/loading.h"
#include "cli/output.h"
#include "cli/outside_inputs.h"
#include "cli/reporter.h"
#include "cli/run_directory.h"
#include "cli/signals.h"
#include "data/split.h"
#include "eval/curves.h"
#include "graph/presets.h"
#include "graph/table.h"
#include "train/history.h"
#include "train/limits.h"

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

/// Passes everything on to the reporter, and keeps curves.svg up to date after every epoch.
class RunObserver : public TrainObserver {
 public:
  RunObserver(const RunStart& run, Reporter& reporter) : run_(run), reporter_(reporter) {}

  void on_step(int64_t epoch, int64_t step, int64_t steps, double loss) override {
    reporter_.on_step(epoch, step, steps, loss);
  }
  void on_resume(const std::vector<EpochRecord>& history, const std::string& where) override {
    history_ = history;
    reporter_.on_resume(history, where);
  }
  void on_epoch(const EpochRecord& record, int64_t epochs, double seconds_left) override {
    reporter_.on_epoch(record, epochs, seconds_left);
    history_.push_back(record);
    write_curves("", 0);
  }
  void on_message(const std::string& text) override { reporter_.on_message(text); }
  void on_note(const std::string& text) override { reporter_.on_note(text); }

  void write_last_curves(const TrainResult& result) {
    std::string subtitle = result.interrupted ? "interrupted" : "test top-1 " + percent(result.test.top1);
    const bool validated = result.best_epoch > 0 && std::isfinite(result.best_val.top1);
    if (validated) {
      subtitle += ", best validation top-1 " + percent(result.best_val.top1) + " in epoch " +
                  std::to_string(result.best_epoch);
    }
    write_curves(subtitle, validated ? result.best_epoch : 0);
  }

 private:
  void write_curves(const std::string& subtitle, int64_t best_epoch) {
    const CurvesText text{run_.config.model + " on " + run_.data.name, subtitle, best_epoch};
    try {
      write_file_atomic(run_.out / "curves.svg", curves_svg(history_, text));
    } catch (const Error& error) {
      // A plot is not worth a run; a disk that is really full stops it where the weights are saved.
      if (!warned_) reporter_.on_message(error.what());
      warned_ = true;
    }
  }

  const RunStart& run_;
  Reporter& reporter_;
  std::vector<EpochRecord> history_;
  bool warned_ = false;
};

/// Where the limit is over before the first step there is no run.
void require_time(double limit, const std::string& after) {
  const double used = boot_seconds() - process_start();
  if (limit <= 0 || used < limit) return;
  throw Error("--max-time " + human_duration(limit) + " was over after " + human_duration(used) + ", " +
                  after + "; a longer one is needed",
              ExitCode::limit);
}

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
LoadOptions limited(LoadOptions how, double limit) {
  if (limit <= 0) return how;
  const auto show = std::move(how.progress);
  how.progress = [show, limit](const std::string& what, int64_t done, int64_t total) {
    require_time(limit, "while data was read");
    if (show) show(what, done, total);
  };
  return how;
}

/// Within a clock's limit the process ends with it; if it could not, that is said.
void tell_overrun(const TrainResult& result, Reporter& reporter) {
  const double limit = result.limit_seconds;
  const double over = result.used_before_seconds + boot_seconds() - process_start() - limit;
  if (limit <= 0 || result.interrupted || over <= 0) return;
  reporter.on_message("the limit of " + human_duration(limit) + " was exceeded by " + format("%.2f", over) +
                      "s: the processor or the disk was not to be had for longer than was kept back");
}

}  // namespace

ExitCode run_training(TrainingOptions options) {
  TrainConfig& config = options.config;
  const MachineInfo machine = machine_info();
  const double limit = options.control.resume ? 0 : parse_max_time(config.max_time);
  const bool bar = !options.json && !options.quiet;
  const LoadOptions how = refusing(limited(loading(config, bar), limit), config, options.max_params);
  const Dataset data = load_training_data(config, how);
  const Graph graph = graph_for(config, data);
  check_max_params(graph, options.max_params);
  const auto engine = make_engine(graph, config);
  check_run(*engine, graph, config, data);
  if (!options.control.resume) check_fisher_files(*engine, config, data);
  const TrainValSplit split = choose_split(config, data);
  require_time(limit, "before the first step");

  const bool resume = options.control.resume;
  Outside outside = outside_inputs(config, graph, data, resume ? WhenRead::needed : WhenRead::now);
  options.control.outside = std::move(outside.inputs);
  const RunStart start{config,
                       machine,
                       data,
                       graph,
                       static_cast<int64_t>(split.train.size()),
                       static_cast<int64_t>(split.val.size()),
                       engine->threads(),
                       resume ? std::filesystem::path(options.out)
                              : make_run_directory(options.out, model_label(config.model)),
                       slow_paths(config, machine),
                       outside.from.get()};
  const auto reporter = options.json ? make_json_reporter(options.quiet) : make_text_reporter(options.quiet);
  options.control.started = process_start();
  try {
    reporter->start(start);
    const StopSignals signals;
    RunObserver observer(start, *reporter);
    const TrainResult result = train(*engine, graph, config, data, start.out, observer, options.control);
    observer.write_last_curves(result);
    reporter->finish(start, result);
    tell_overrun(result, *reporter);
    if (!result.interrupted) return ExitCode::done;
  } catch (...) {
    std::error_code
        not_empty;  // what was saved stays; a directory with nothing in it would only be in the way
    if (!resume) std::filesystem::remove(start.out, not_empty);
    throw;
  }
  return static_cast<ExitCode>(128 + stop_requested.load());
}

}  // namespace frugal

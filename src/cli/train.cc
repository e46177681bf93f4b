// `frugal train`: from a command line to a run directory.
#include <cmath>
#include <memory>
#include <string>
#include <system_error>

#include "base/file.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/loading.h"
#include "cli/output.h"
#include "cli/reporter.h"
#include "cli/run_directory.h"
#include "cli/signals.h"
#include "cli/train_flags.h"
#include "data/split.h"
#include "eval/curves.h"
#include "graph/presets.h"
#include "graph/table.h"

namespace frugal {
namespace {

struct Options {
  GivenFlags given;
  std::string config_file, out, max_params;
  bool json = false, quiet = false;
};

void check_max_params(const Graph& graph, const std::string& limit_text) {
  if (limit_text.empty()) return;
  const int64_t limit = parse_count(limit_text, "--max-params"), count = graph.parameter_count();
  if (count <= limit) return;
  std::string largest;
  for (const LayerRow& layer : largest_layers(graph, 3)) {
    largest += (largest.empty() ? "" : ", ") + layer.name + " (" + with_thousands(layer.parameters) + ")";
  }
  throw Error("--max-params " + limit_text + ": " + graph.model + " has " + with_thousands(count) +
                  " parameters, " + with_thousands(count - limit) +
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
  void on_epoch(const EpochRecord& record, int64_t epochs, double seconds_left) override {
    reporter_.on_epoch(record, epochs, seconds_left);
    history_.push_back(record);
    write_curves("", 0);
  }
  void on_message(const std::string& text) override { reporter_.on_message(text); }

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

ExitCode run(const Options& options) {
  TrainConfig config = configure(options.given, options.config_file);
  const MachineInfo machine = machine_info();
  choose_precision(config.precision);  // refuses before the data is read
  LoadOptions how = loading(config.image_size, config.skip_bad, !options.json && !options.quiet);
  how.threads = config.threads;
  Dataset data = load_dataset(config.data, how);
  apply_selection(config, data);
  const Graph graph = make_model(config.model, {data.train.height, data.train.width, data.train.channels},
                                 static_cast<int64_t>(data.classes.size()));
  check_max_params(graph, options.max_params);
  const auto engine = make_engine(graph, config);
  check_run(*engine, graph, config, data);
  const TrainValSplit split = choose_split(config, data);

  const RunStart start{config,
                       machine,
                       data,
                       graph,
                       static_cast<int64_t>(split.train.size()),
                       static_cast<int64_t>(split.val.size()),
                       engine->threads(),
                       make_run_directory(options.out, model_label(config.model)),
                       slow_paths(config, machine)};
  const auto reporter = options.json ? make_json_reporter(options.quiet) : make_text_reporter(options.quiet);
  try {
    reporter->start(start);
    const StopSignals signals;
    RunObserver observer(start, *reporter);
    const TrainResult result = train(*engine, graph, config, data, start.out, observer);
    observer.write_last_curves(result);
    reporter->finish(start, result);
    if (!result.interrupted) return ExitCode::done;
  } catch (...) {
    std::error_code
        not_empty;  // what was saved stays; a directory with nothing in it would only be in the way
    std::filesystem::remove(start.out, not_empty);
    throw;
  }
  return static_cast<ExitCode>(128 + stop_requested.load());
}

}  // namespace

void add_train_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      program.add_subcommand("train", "Train, validate, test once at the end; write a run directory");
  command->footer(
      "Settings come from the recipe, then from the --config file, then from flags; later ones win.\n"
      "Ctrl-C finishes the step, saves and exits 130; a second one quits at once.");
  add_train_flags(*command, options->given);
  const auto option = [&](const char* flag, std::string& value, const char* type, const char* help) {
    command->add_option(flag, value, help)->type_name(type)->group("Output and limits");
  };
  option("--config", options->config_file, "FILE.toml", "Settings from a file, such as a run's config.toml");
  option("--out", options->out, "DIR", "Run directory, which must not exist (default runs/<date>-<model>)");
  option("--max-params", options->max_params, "COUNT",
         "Refuse (exit 3) a model with more parameters, such as 1M");
  command->add_flag("--json", options->json, "Lines of JSON in place of text")->group("Output and limits");
  command->add_flag("--quiet", options->quiet, "Only warnings and the result")->group("Output and limits");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace frugal

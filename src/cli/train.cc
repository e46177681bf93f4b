// `frugal train`: from a command line to a run directory.
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "cli/command.h"
#include "cli/training.h"
#include "run/training_run.h"
#include "train/progress_file.h"

namespace frugal {
namespace {

struct Options {
  GivenFlags given;
  std::string config_file, replay, out, max_params, tensorboard;
  bool json = false, quiet = false;
};

/// The configuration of the run that is to be repeated; a clock-driven one's decisions come along.
TrainConfig replayed(const Options& options, RunControl& control) {
  namespace fs = std::filesystem;
  if (!options.config_file.empty()) throw usage_error("--replay and --config exclude each other");
  for (const auto& [flag, value] : options.given) {
    if (flag != "--threads") throw usage_error("--replay repeats a run as it was; leave " + flag + " out");
  }
  const fs::path run(options.replay);
  TrainConfig config = configure(options.given, (run / "config.toml").string());
  if (config.max_time == "none") return config.replay = "none", config;  // counts alone repeat it
  config.replay = fs::absolute(run / "progress.bin").string();
  require_utf8("--replay", config.replay);
  control.replay = read_progress(run / "progress.bin");
  if (control.replay->trained < 0) {
    throw Error(options.replay +
                " cannot be repeated: it has not come to its end; go on with it by frugal resume " +
                options.replay);
  }
  return config;
}

ExitCode run(const Options& options) {
  RunRequest request;
  if (options.replay.empty()) {
    request.config = configure(options.given, options.config_file);
    request.config.replay = "none";  // the file may be that of a run that repeated another one
  } else {
    request.config = replayed(options, request.control);
  }
  request.out = options.out;
  request.max_params = options.max_params;
  request.tensorboard = options.tensorboard;
  return run_training(std::move(request), {options.json, options.quiet});
}

}  // namespace

void add_train_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      program.add_subcommand("train", "Train, validate, test once at the end; write a run directory");
  command->footer(
      "Settings come from the recipe, then from the --config file, then from flags; later ones win.\n"
      "Ctrl-C finishes the step, saves and exits 130, for frugal resume to go on; a second one quits at "
      "once.\n"
      "With --max-time the clock drives the schedule, and epochs only end the run where --epochs is given "
      "too.");
  add_train_flags(*command, options->given);
  const auto option = [&](const char* flag, std::string& value, const char* type, const char* help) {
    command->add_option(flag, value, help)->type_name(type)->group("Output and limits");
  };
  option("--config", options->config_file, "FILE.toml", "Settings from a file, such as a run's config.toml");
  option("--replay", options->replay, "RUN",
         "Repeat a run to the same bits, a clock-driven one with the decisions that its clock took");
  option("--out", options->out, "DIR", "Run directory, which must not exist (default runs/<date>-<model>)");
  option("--max-params", options->max_params, "COUNT",
         "Refuse (exit 3) a model with more parameters, such as 1M");
  option("--tensorboard", options->tensorboard, "DIR",
         "Also write event files for TensorBoard: figures, weights and samples, in DIR/<the run's name>");
  command->add_flag("--json", options->json, "Lines of JSON in place of text")->group("Output and limits");
  command->add_flag("--quiet", options->quiet, "Only warnings and the result")->group("Output and limits");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace frugal

// `frugal resume`: goes on with a run that was stopped, from its last checkpoint.
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/training.h"
#include "run/training_run.h"
#include "train/history.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

struct Options {
  GivenFlags given;  // --threads alone
  std::string run, tensorboard;
  bool force = false, json = false, quiet = false;
};

ExitCode run(const Options& options) {
  const fs::path directory(options.run);
  RunRequest request = request_to_resume(directory, options.given);
  if (!finished_result(directory).empty()) {
    if (options.json) {
      print_json({{"event", "message"}, {"text", options.run + " has finished; nothing is left to do"}});
    } else {
      print("%s has finished; nothing is left to do\n", options.run.c_str());
    }
    return ExitCode::done;
  }
  request.control.force = options.force;
  request.tensorboard = options.tensorboard;
  return run_training(std::move(request), {options.json, options.quiet});
}

}  // namespace

void add_resume_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("resume", "Go on with a run that was stopped, to the same bits");
  command->footer(
      "An epoch-driven run ends with the weights and figures that it would have had; one with --max-time "
      "goes on\n"
      "with the time that it has left. Configuration, data, program and instruction set must be the same.");
  command->add_option("run", options->run, "Run directory")->required()->type_name("RUN");
  command
      ->add_option_function<std::string>(
          "--threads", [options](const std::string& text) { options->given["--threads"] = text; },
          "Worker threads, 0: all that the machine allows; the result is the same")
      ->type_name("N");
  command
      ->add_option("--tensorboard", options->tensorboard,
                   "Also write event files for TensorBoard, in DIR/<the run's name>")
      ->type_name("DIR");
  command->add_flag("--force", options->force, "Go on although program or instruction set are others");
  command->add_flag("--json", options->json, "Lines of JSON in place of text");
  command->add_flag("--quiet", options->quiet, "Only warnings and the result");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace frugal

// The program: reads the command line, runs one command, and turns whatever goes wrong into one line on
// stderr and an exit code.
#include <fcntl.h>
#include <sys/prctl.h>

#include <cstdio>
#include <exception>
#include <new>
#include <span>
#include <string>

#include "cli/command.h"
#include "cli/help.h"
#include "cli/suggest.h"
#include "nn/engine.h"
#include "run/model_formats.h"

namespace frugal {
namespace {

std::string version_text() {
  const std::string commit = FRUGAL_GIT_HASH;
  const MachineInfo machine = machine_info();
#ifdef __clang__
  const std::string compiler = "clang " __clang_version__;
#else
  const std::string compiler = "g++ " __VERSION__;
#endif
  return std::string("frugal ") + FRUGAL_VERSION + (commit.empty() ? "" : " (commit " + commit + ")") +
         "\nbuilt by " + compiler + ", oneDNN " + machine.onednn + " on " + machine.processor + ", " +
         machine.instruction_set;
}

void declare(CLI::App& program, Action& action) {
  program.set_version_flag("--version", version_text, "Print the version, and what the processor offers");
  program.set_help_flag("-h,--help", "Print this help; after a command: the command's");
  program.require_subcommand(0, 1);
  add_plan_command(program, action);
  add_train_command(program, action);
  add_resume_command(program, action);
  add_study_command(program, action);
  add_fisher_command(program, action);
  add_eval_command(program, action);
  add_predict_command(program, action);
  add_report_command(program, action);
  add_export_command(program, action);
  add_import_command(program, action);
  add_fetch_command(program, action);
  add_data_command(program, action);
  add_model_command(program, action);
  add_weights_command(program, action);
  add_schedule_command(program, action);
  add_lr_find_command(program, action);
  add_completion_command(program, action);
  // After the commands, which would take it for theirs.
  program.footer(
      "Examples:\n"
      "  frugal fetch cifar100\n"
      "  frugal train --data cifar100-mini --epochs 10\n"
      "  frugal train --data cifar100 --recipe seed --seed 2 --out runs/seed-2\n"
      "  frugal plan --max-params 1M --max-time 1h\n"
      "  frugal train --data cifar100 --max-params 1M --max-time 1h\n"
      "  frugal resume runs/seed-2\n"
      "  frugal eval runs/seed-2\n"
      "  frugal predict runs/seed-2 bear.jpg apple.png\n"
      "  frugal export runs/seed-2 --to seed-2.onnx\n\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a limit refuses, 130 and 143 after\n"
      "Ctrl-C and SIGTERM have saved the run or the download.");
  wrap_help(program);
}

ExitCode run(int argc, char** argv) {
  CLI::App program(
      "frugal trains the most accurate image classifier that fits a number of parameters and a number of\n"
      "minutes, on the processor at hand.",
      "frugal");
  Action action;
  declare(program, action);
  add_model_formats();
  require_values(program, std::span(argv, static_cast<size_t>(argc)).subspan(1));
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help and --version
    program.exit(asked);
    return ExitCode::done;
  } catch (const CLI::ParseError& error) {
    throw usage_error(explain(program, error));
  }
  if (!action) {
    std::fputs(program.help().c_str(), stderr);
    throw usage_error("no command given; choose one of those above");
  }
  return action();
}

/// A program that was started with stdin, stdout or stderr closed would get their numbers for the first files
/// that it opens, and write its messages into them. What stands in for them can be read alone: writing still
/// fails.
void open_standard_streams() {
  for (int stream = 0; stream <= 2; ++stream) {
    if (fcntl(stream, F_GETFD) < 0)
      open("/dev/null", O_RDONLY);  // takes the lowest number, which is this one
  }
}

/// A full disk or a closed pipe at the other end of stdout is a failure too.
void finish_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) throw Error("cannot write to standard output");
}

int report(const std::string& message, ExitCode code) {
  std::fflush(stdout);
  std::fprintf(stderr, "frugal: %s\n", message.c_str());
  return static_cast<int>(code);
}

}  // namespace
}  // namespace frugal

int main(int argc, char** argv) {
  using frugal::ExitCode;
  prctl(PR_SET_NAME, "frugal");  // of a study's runs, which are executed as /proc/self/exe, it would be "exe"
  frugal::open_standard_streams();
  try {
    const ExitCode code = frugal::run(argc, argv);
    try {
      frugal::finish_output();
    } catch (const frugal::Error& error) {
      if (code == ExitCode::done) throw;
      return frugal::report(error.what(), code);  // what the command came to says more
    }
    return static_cast<int>(code);
  } catch (const frugal::Error& error) {
    return frugal::report(error.what(), error.code());
  } catch (const std::bad_alloc&) {
    return frugal::report("out of memory; a smaller batch or fewer threads need less", ExitCode::failed);
  } catch (const std::exception& error) {
    return frugal::report(error.what(), ExitCode::failed);
  }
}

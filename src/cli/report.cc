// `frugal report`: runs as one HTML file.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/judged.h"
#include "cli/output.h"
#include "eval/report.h"
#include "train/history.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> runs;
  std::string out, title, threads = "0";
  bool no_test = false, json = false;
};

constexpr size_t most_mistakes = 18, least_mistakes = 3, most_runs = 50;

std::string text_or(const fs::path& path, const std::string& otherwise) {
  std::error_code failure;
  return fs::exists(path, failure) ? read_text_file(path) : otherwise;
}

ReportedTest test_of(Judged& judged, size_t mistakes) {
  const Dataset data = load_judged_data(judged, "", false, /*bar=*/false);
  const JudgedImages images(data, "test", judged.config, false);
  const int64_t classes = judged.model.graph.classes;
  std::vector<float> logits;
  images.measure(judged, logits);
  images.mask(logits, classes);
  ReportedTest test;
  test.superclass_of = superclasses(data.train.labels, data.train.coarse_labels, classes);
  test.assessment = assess(logits, images.labels, classes, test.superclass_of);
  test.classes = data.classes;
  test.superclasses = data.coarse_classes;
  test.mistakes = confident_mistakes(logits, images.set, images.ids, classes, mistakes);
  return test;
}

/// What a run left half written spoils no more than itself.
std::vector<EpochRecord> history_of(const fs::path& log) {
  std::string text = text_or(log, "");
  while (true) {
    try {
      return read_log(text, log.string());
    } catch (const Error& error) {
      if (text.ends_with('\n') || text.empty()) {
        warn(std::string("the report is without a run's curves: ") + error.what());
        return {};
      }
      text.resize(text.rfind('\n') + 1);  // the run died while it wrote that line
    }
  }
}
std::string result_of(const fs::path& result) {
  std::string text = text_or(result, "null");
  if (Json::accept(text)) return text;
  warn(result.string() + " is damaged; the report does without it");
  return "null";
}

void require_run(const std::string& name) {
  std::error_code failure;
  if (fs::exists(fs::path(name) / "config.toml", failure)) return;
  throw Error(name + " is not a run's directory: there is no config.toml in it");
}

ReportedRun read_run(const Options& options, const std::string& name, int threads) {
  const fs::path directory(name);
  // A report is read on other machines than the run was made on.
  const MachineInfo machine = machine_info();
  Judged judged = load_judged(name, {machine.bf16 ? "" : "fp32", threads});
  if (!machine.bf16 && judged.config->precision == "bf16" && !options.no_test) {
    warn(name + ": this processor has no bf16, in which the run was: its test images are judged in fp32");
  }
  ReportedRun run;
  run.name = directory.filename().empty() ? directory.parent_path().filename().string()
                                          : directory.filename().string();
  run.config = *judged.config;
  run.config_text = read_text_file(directory / "config.toml");
  run.result_text = result_of(directory / "result.json");
  run.history = history_of(directory / "log.jsonl");
  run.graph = judged.model.graph;
  run.machine = "Report made on " + machine.processor + ", " + machine.instruction_set;
  if (!options.no_test) {
    try {
      run.test = test_of(judged, std::max(least_mistakes, most_mistakes / options.runs.size()));
    } catch (const Error& error) {
      warn(name + ": the report is without test images: " + error.what());
    }
  }
  return run;
}

ExitCode run(const Options& options) {
  if (options.runs.size() > most_runs) {
    throw usage_error("report: " + std::to_string(options.runs.size()) +
                      " runs are more than anyone can read; the most is " + std::to_string(most_runs));
  }
  const int threads = parse_threads(options.threads);
  for (const std::string& name : options.runs) require_run(name);
  const fs::path out =
      options.out.empty() ? fs::path(options.runs[0]) / "report.html" : fs::path(options.out);
  require_replaceable(out, "--out", "<!doctype html>", "HTML page");
  std::vector<ReportedRun> runs;
  for (const std::string& name : options.runs) {
    try {
      runs.push_back(read_run(options, name, threads));
    } catch (const Error& error) {  // one that ended before it had saved anything
      if (options.runs.size() == 1) throw;
      warn(name + " is left out of the report: " + error.what());
    }
  }
  if (runs.empty()) throw Error("report: none of these runs has anything to show");
  const std::string title = !options.title.empty() ? options.title
                            : runs.size() > 1      ? std::to_string(runs.size()) + " runs"
                                                   : runs[0].config.model + " on " + runs[0].config.data;
  const std::string page = report_html(title, runs);
  write_file_atomic(out, page);
  if (options.json) {
    print_json({{"report", out.string()}, {"bytes", page.size()}, {"runs", runs.size()}});
  } else {
    print("%s, %s\n", out.c_str(), human_bytes(static_cast<int64_t>(page.size())).c_str());
  }
  return ExitCode::done;
}

}  // namespace

void add_report_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "report", "Runs as one HTML file: curves, confusion, mistakes, layers, settings");
  command->footer(
      "The file opens from disk and fetches nothing. Runs are evaluated on their test split again, where the "
      "data\n"
      "are at hand.");
  command->add_option("runs", options->runs, "Run directories")->required()->type_name("RUN");
  command->add_option("--out", options->out, "Where it goes (default: report.html in the first run)")
      ->type_name("FILE.html");
  command->add_option("--title", options->title, "What it is called")->type_name("TEXT");
  command->add_option("--threads", options->threads, "Worker threads, 0: all that the machine allows")
      ->type_name("N");
  command->add_flag("--no-test", options->no_test,
                    "Leave the test split alone: without confusion, classes, mistakes");
  add_json_flag(*command, options->json);
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace frugal

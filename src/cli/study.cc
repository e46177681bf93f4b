// `frugal study`: many runs described once, and the table that they make.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/file_lock.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "study/runner.h"
#include "study/study_file.h"
#include "study/table.h"
#include "train/limits.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string file, out, results, jobs = "1", threads = "0", max_time = "none", format = "text";
  bool table = false, json = false, quiet = false;
};

/// What can be known to be wrong before anything is trained.
void check_flags(const Study& study) {
  for (const Variant& variant : study.variants) {
    const std::string where = study.file.string() + ":" + std::to_string(variant.line) + ": ";
    GivenFlags given;
    for (const auto& [flag, value] : variant.flags) {
      if (flag == "--max-params") {
        parse_count(value, where + flag);
        continue;
      }
      try {
        give(given, flag, value);
      } catch (const Error& error) {
        throw usage_error(where + error.what());
      }
    }
    try {
      if (configure(given, "").val == 0 && study.halving > 0) {
        throw usage_error("halving keeps the best by validation, and val = 0 holds no image out for it");
      }
    } catch (const Error& error) {
      throw usage_error(where + in_quotes(variant.name) + ": " + error.what());
    }
  }
}

class Reporter : public StudyObserver {
 public:
  explicit Reporter(const Options& options) : options_(options) {}

  void on_begin(const PlannedRun& run, int64_t number, int64_t count, bool goes_on) override {
    if (options_.json) {
      print_json({{"event", "begin"},
                  {"variant", run.variant},
                  {"seed", run.seed},
                  {"part", run.part},
                  {"number", number},
                  {"count", count},
                  {"goes_on", goes_on}});
    } else if (!options_.quiet) {
      print("run %lld of %lld: %s%s\n", static_cast<long long>(number), static_cast<long long>(count),
            label(run.variant, run.seed, run.part).c_str(), goes_on ? ", which goes on" : "");
    }
  }
  void on_end(const RunRecord& record) override {
    const double seconds = result_number(record.result, "timing", "wall_seconds");
    if (options_.json) {
      print_json({{"event", "end"},
                  {"variant", record.variant},
                  {"seed", record.seed},
                  {"part", record.part},
                  {"run", record.run},
                  {"val", record.result.value("val", Json())},
                  {"wall_seconds", seconds}});
    } else if (!options_.quiet) {
      const double top1 = result_number(record.result, "val", "top1");
      print("  %s: %s%s\n", label(record.variant, record.seed, record.part).c_str(),
            std::isnan(top1) ? "" : ("validation " + percent(top1) + " in ").c_str(),
            human_duration(seconds).c_str());
    }
  }
  void on_failure(const PlannedRun& run, const std::string& message) override {
    if (options_.json) {
      print_json({{"event", "failure"},
                  {"variant", run.variant},
                  {"seed", run.seed},
                  {"part", run.part},
                  {"message", message}});
    } else {
      warn(label(run.variant, run.seed, run.part) + " failed: " + message);
    }
  }
  void on_put_aside(const PlannedRun& run, const fs::path& directory) override {
    const std::string text =
        label(run.variant, run.seed, run.part) +
        " cannot go on, being of another program or of other data, and begins anew; what "
        "there was is in " +
        directory.string();
    if (options_.json) {
      print_json({{"event", "message"}, {"text", text}});
    } else {
      warn(text);
    }
  }
  void on_given_up(const std::vector<std::string>& variants, int64_t part) override {
    if (options_.json) {
      print_json({{"event", "given_up"}, {"variants", variants}, {"part", part}});
    } else if (!options_.quiet) {
      print("given up after 1/%lld of the work: %s\n", static_cast<long long>(part), join(variants).c_str());
    }
  }

 private:
  static std::string label(const std::string& variant, int64_t seed, int64_t part) {
    return variant + ", seed " + std::to_string(seed) +
           (part > 1 ? ", 1/" + std::to_string(part) + " of it" : "");
  }
  const Options& options_;
};

TableFormat parse_format(const std::string& text) {
  if (text == "text") return TableFormat::text;
  if (text == "markdown") return TableFormat::markdown;
  if (text == "csv") return TableFormat::csv;
  if (text == "html") return TableFormat::html;
  throw usage_error("--format: there are text, markdown, csv and html, not " + in_quotes(text));
}

Json score_json(const StudyScore& score) {
  Json json = {{"top1", score.mean}, {"deviation", score.deviation}, {"gain", nullptr}};
  if (score.gain)
    json["gain"] = {{"mean", score.gain->mean}, {"low", score.gain->low}, {"high", score.gain->high}};
  return json;
}

Json table_json(const StudyTable& table) {
  Json rows = Json::array();
  for (const StudyRow& row : table.rows) {
    rows.push_back({{"variant", row.variant},
                    {"part", row.part},
                    {"runs", row.runs},
                    {"params", row.parameters},
                    {"epochs", row.epochs},
                    {"seconds", row.seconds},
                    {"finished", row.finished},
                    {"val", score_json(row.val)}});
    if (table.missing == 0 && row.part == 1) rows.back()["test"] = score_json(row.test);
  }
  return {{"event", "table"},
          {"title", table.title},
          {"base", table.base},
          {"missing", table.missing},
          {"chosen", table.chosen.empty() ? Json() : Json(table.chosen)},
          {"shared", table.shared},
          {"rows", rows}};
}

int64_t count_finished(const std::vector<std::vector<PlannedRun>>& variants, const Results& results) {
  int64_t finished = 0;
  for (const std::vector<PlannedRun>& runs : variants) {
    finished +=
        std::ranges::count_if(runs, [&](const PlannedRun& run) { return results.find(run.name) != nullptr; });
  }
  return finished;
}

ExitCode run(const Options& options) {
  const TableFormat format = parse_format(options.format);
  if (options.json && format != TableFormat::text) {
    throw usage_error(
        "--format is how the table is printed, which --json writes as JSON; leave one of the two out");
  }
  const Study study = read_study(options.file);
  check_flags(study);
  const fs::path default_out = fs::path("runs") / ("study-" + study.file.stem().string());
  const fs::path out = fs::absolute(options.out.empty() ? default_out : fs::path(options.out));
  const double limit = parse_max_time(options.max_time);
  const int64_t jobs = parse_integer(options.jobs, "--jobs");
  if (jobs < 1 || jobs > 1024) throw usage_error("--jobs must be 1 to 1024");
  Results results(options.results.empty() ? out / "results.jsonl" : fs::path(options.results));

  StudyOutcome outcome;
  std::optional<StopSignals> signals;  // until the tables are written, whoever reads what is printed
  if (options.table) {
    outcome.runs = judged_runs(study, out, limit > 0, results);
    // Which of the two it was done with need not be said again.
    if (count_finished(outcome.runs, results) == 0) {
      auto others = judged_runs(study, out, limit <= 0, results);
      if (count_finished(others, results) > 0) outcome.runs = std::move(others);
    }
  } else {
    fs::create_directories(out);
    FileLock lock(out / "lock");
    if (!lock.try_lock()) throw Error(out.string() + ": another frugal study is at work there");
    results.refresh();  // shows at once where it cannot be written
    const int threads = parse_threads(options.threads);
    signals.emplace();
    Reporter reporter(options);
    outcome =
        run_study(study,
                  {.out = out,
                   .program = "/proc/self/exe",  // the same one to the end, also where a newer one is built
                   .jobs = static_cast<int>(jobs),
                   .threads = threads > 0 ? threads : machine_info().threads,
                   .max_seconds = limit},
                  results, reporter);
  }
  const StudyTable table = make_table(study, outcome.runs, results);
  if (!options.table) {
    write_file_atomic(out / "table.md", render(table, TableFormat::markdown));
    write_file_atomic(out / "table.csv", render(table, TableFormat::csv));
    write_file_atomic(out / "table.html", render(table, TableFormat::html));
  }
  if (options.json) {
    print_json(table_json(table));
  } else {
    print("%s%s", options.table || options.quiet ? "" : "\n",
          render(table, format, terminal_width()).c_str());
  }
  if (!options.table && !options.json && !options.quiet)
    print("tables  %s\n", (out / "table.{md,csv,html}").c_str());
  if (stop_requested != 0) return static_cast<ExitCode>(128 + stop_requested.load());
  if (outcome.stopped) warn("time was over before all runs were begun; the same command goes on");
  if (outcome.failed > 0) {
    throw Error(std::to_string(outcome.failed) + (outcome.failed == 1 ? " run" : " runs") +
                " failed; see the logs in " + (out / "runs").string());
  }
  return ExitCode::done;
}

}  // namespace

void add_study_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "study", "Do the runs that a file describes, and compare them in a table (docs/study.md)");
  command->footer(
      "Runs that have finished are not done again, one that was stopped goes on: the same command finishes "
      "a\n"
      "study. The best is chosen by validation alone; the test is shown when every run has finished.");
  command->add_option("file", options->file, "The study, in TOML")->required()->type_name("FILE");
  const auto option = [&](const char* flag, std::string& value, const char* type, const char* help) {
    command->add_option(flag, value, help)->type_name(type);
  };
  option("--out", options->out, "DIR", "Where runs, results and tables go (default runs/study-<file>)");
  option("--results", options->results, "FILE", "Record of what has finished (default DIR/results.jsonl)");
  option("--jobs", options->jobs, "N",
         "Runs at a time, which share the threads: their times are not comparable");
  option("--threads", options->threads, "N", "Threads of all runs together, 0: all that the machine allows");
  option("--max-time", options->max_time, "DURATION",
         "Of all that is to be done, divided fairly among the runs");
  option("--format", options->format, "text|markdown|csv|html", "How the table is printed");
  command->add_flag("--table", options->table, "Only print the table of what has finished");
  command->add_flag("--quiet", options->quiet, "Only warnings and the table");
  add_json_flag(*command, options->json, "Lines of JSON");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace frugal

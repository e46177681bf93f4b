// `frugal plan`: what fits two limits on this machine, measured.
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/columns.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/loading.h"
#include "cli/output.h"
#include "graph/presets.h"
#include "graph/table.h"
#include "nn/memory_error.h"
#include "run/outside_inputs.h"
#include "run/training_run.h"
#include "train/limits.h"
#include "train/measure.h"
#include "train/trainer.h"

namespace frugal {
namespace {

struct Options {
  GivenFlags given;
  std::string config_file, max_params = "1M", seconds = "3s";
  bool json = false;
};

struct Row {
  std::string model;
  int64_t parameters = 0, macs = 0, memory = 0;
  double images_per_second = 0, epochs = 0;
};

/// Weights, gradients, the best weights and the optimizer's states, each once; activations of all threads;
/// the images. The engine does not tell what shards' own gradients and packed weights take.
int64_t memory_of(Engine& engine, const Dataset& data) {
  Parameters& parameters = engine.parameters();
  const auto blocks = static_cast<int64_t>(3 + parameters.states());
  return static_cast<int64_t>(sizeof(float)) * parameters.count() * blocks + engine.activation_bytes() +
         static_cast<int64_t>(data.train.pixels.size() + data.test.pixels.size());
}

/// Whether one network is asked for, by a flag or in the --config file.
bool names_model(const Options& options) {
  if (options.given.contains("--model")) return true;
  TrainConfig from_file;
  return !options.config_file.empty() && apply_toml_file(from_file, options.config_file).contains("model");
}

/// The presets that take these images, as `plan` measures them: CIFAR's forms where they are small.
std::vector<std::string> candidates(const Options& options, const Dataset& data) {
  std::vector<std::string> specs = model_examples();
  const auto head = options.given.find("--head");
  constexpr int64_t small = 64;
  for (std::string& spec : specs) {
    const bool has_stem =
        spec == "mobilenetv2" || spec == "resnet18" || spec == "resnet34" || spec == "resnet50";
    if (has_stem && std::max(data.train.height, data.train.width) <= small) spec += ":stem=cifar";
    if (head != options.given.end()) spec = with_head(spec, head->second);
  }
  return specs;
}

void print_table(const std::vector<Row>& rows, const std::string& limit) {
  std::vector<std::vector<std::string>> lines = {
      {"model", "parameters", "MACs", "images/s", "epochs in " + limit, "memory"}};
  for (const Row& row : rows) {
    lines.push_back({row.model, with_thousands(row.parameters), short_count(row.macs),
                     with_thousands(std::llround(row.images_per_second)), format("%.1f", row.epochs),
                     human_bytes(row.memory)});
  }
  print("%s", align_columns(lines, 1, terminal_width()).c_str());
}

ExitCode run(const Options& options) {
  GivenFlags given = options.given;
  TrainConfig config = configure(given, options.config_file);
  if (parse_max_time(config.max_time) <= 0) {
    if (given.contains("--max-time")) throw usage_error("--max-time: a plan is for a time, such as 1h");
    given["--max-time"] = "1h";
    config = configure(given, options.config_file);
  }
  const double limit = parse_max_time(config.max_time);
  const int64_t most = parse_count(options.max_params, "--max-params");
  const double seconds = parse_duration(options.seconds, "--seconds");
  const Dataset data = load_training_data(config, loading(!options.json));
  const double used = boot_seconds() - process_start();  // as a run would have by then
  const std::shared_ptr<TeacherModel> teacher = load_teacher(config, data);
  std::vector<Row> rows;
  int64_t larger = 0;
  std::string refused;  // what the flags are to one that these images and the limit would do for
  const bool named = names_model(options);
  std::optional<MemoryError> unfit;
  const auto leave_out = [&](const std::string& spec, const MemoryError& error) {
    if (named) throw error;
    warn(spec + " is left out: " + error.what());
    if (!unfit) unfit = error;
  };
  const std::vector<std::string> specs = named ? std::vector{config.model} : candidates(options, data);
  for (const std::string& spec : specs) {
    TrainConfig one = config;
    one.model = spec;
    Graph graph;
    std::unique_ptr<Engine> engine;
    try {
      graph = graph_for(one, data);
      if (graph.parameter_count() > most) {
        ++larger;
        continue;
      }
      engine = make_engine(graph, one);
      check_run(*engine, graph, one, data);
    } catch (const MemoryError& error) {
      leave_out(spec, error);
      continue;
    } catch (const Error& error) {
      if (error.code() != ExitCode::usage || named) throw;
      // Images that are too small for it, or flags that name layers which it does not have.
      warn(spec + " is left out: " + error.what());
      if (!graph.nodes.empty() && refused.empty()) refused = spec + ": " + error.what();
      continue;
    }
    Speed speed;
    try {
      speed = measure_speed(*engine, graph, one, data, seconds, {.teacher = teacher});
    } catch (const MemoryError& error) {
      leave_out(spec, error);
      continue;
    }
    rows.push_back({spec, graph.parameter_count(), graph.macs(), memory_of(*engine, data),
                    static_cast<double>(one.batch) / speed.step,
                    predict_epochs(speed, one, data, limit, used)});
    if (options.json) {
      const Row& row = rows.back();
      print_json({{"event", "model"},
                  {"model", row.model},
                  {"params", row.parameters},
                  {"macs", row.macs},
                  {"images_per_second", row.images_per_second},
                  {"epochs", row.epochs},
                  {"memory_bytes", row.memory},
                  {"limit_seconds", limit}});
    }
  }
  if (rows.empty()) {
    if (unfit) throw *unfit;
    if (!refused.empty()) throw usage_error("there is nothing to plan; " + refused);
    if (larger == 0) throw usage_error("there is nothing to plan: no network takes these images");
    throw Error("--max-params " + options.max_params + ": no network is that small; " +
                    (named ? config.model + " has more" : "all " + std::to_string(larger) + " have more"),
                ExitCode::limit);
  }
  if (options.json) return ExitCode::done;
  print_table(rows, human_duration(limit));
  if (larger > 0) {
    print("%lld more %s over %s parameters\n", static_cast<long long>(larger), larger == 1 ? "has" : "have",
          with_thousands(most).c_str());
  }
  return ExitCode::done;
}

}  // namespace

void add_plan_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "plan", "Measure this machine: which networks fit the limits, and how many epochs of them");
  command->footer(
      "Trains every preset that --max-params allows for some seconds, with the batches that frugal train "
      "would\n"
      "make of the same flags. --model, or the model of a --config file, is measured alone.");
  add_train_flags(*command, options->given);
  const auto option = [&](const char* flag, std::string& value, const char* type, const char* help) {
    command->add_option(flag, value, help)->type_name(type)->group("Output and limits");
  };
  option("--config", options->config_file, "FILE.toml", "Settings from a file, such as a run's config.toml");
  option("--max-params", options->max_params, "COUNT", "Networks of at most so many parameters (default 1M)");
  option("--seconds", options->seconds, "DURATION", "How long each is measured (default 3s)");
  command->add_flag("--json", options->json, "Lines of JSON in place of text")->group("Output and limits");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace frugal

// `frugal lr-find`: the learning-rate range test, its curve and what it suggests.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/loading.h"
#include "cli/output.h"
#include "eval/lr_find_chart.h"
#include "run/outside_inputs.h"
#include "run/training_run.h"
#include "train/trainer.h"

namespace frugal {
namespace {

struct Options {
  GivenFlags given;
  std::string config_file, min_lr = "1e-5", max_lr = "10", steps = "100", out = "lr-find.svg";
  bool json = false;
};

/// The sweep sets the rate, and there is no run for a schedule to go by.
bool matters(const std::string& flag) {
  const std::vector<std::string> others = {
      "--lr",       "--schedule",      "--warmup",    "--epochs",           "--max-time", "--validate-every",
      "--patience", "--on-divergence", "--lookahead", "--checkpoint-every", "--ema",      "--accumulate",
      "--clip"};
  return std::ranges::find(others, flag) == others.end();
}

LrSweep parse_sweep(const Options& options) {
  LrSweep sweep{parse_number(options.min_lr, "--min-lr"), parse_number(options.max_lr, "--max-lr"),
                parse_integer(options.steps, "--steps")};
  constexpr double least = 1e-12, most = 1e6;
  if (!(sweep.from >= least && sweep.from < sweep.to && sweep.to <= most)) {
    throw usage_error("--min-lr must be below --max-lr, both in 1e-12 to 1e6");
  }
  if (sweep.steps < 20 || sweep.steps > 100'000) throw usage_error("--steps must be in 20 to 100,000");
  return sweep;
}

Json to_json(const Options& options, const TrainConfig& config, const Dataset& data, const LrSweep& sweep,
             const LrCurve& curve, std::optional<size_t> suggestion, std::optional<size_t> steepest) {
  Json json = {{"model", config.model},         {"data", data.name},          {"batch", config.batch},
               {"precision", config.precision}, {"min_lr", sweep.from},       {"max_lr", sweep.to},
               {"steps", sweep.steps},          {"diverged", curve.diverged}, {"suggestion", nullptr},
               {"steepest", nullptr},           {"svg", options.out},         {"points", Json::array()}};
  if (suggestion) json["suggestion"] = curve.points[*suggestion].lr;
  if (steepest) json["steepest"] = curve.points[*steepest].lr;
  for (const LrPoint& point : curve.points) {
    json["points"].push_back({{"lr", point.lr}, {"loss", point.loss}, {"smoothed", point.smoothed}});
  }
  return json;
}

void print_text(const Options& options, const LrCurve& curve, std::optional<size_t> suggestion,
                std::optional<size_t> steepest) {
  if (curve.diverged) {
    print("the loss diverged after %s steps%s\n",
          with_thousands(static_cast<int64_t>(curve.points.size())).c_str(),
          curve.points.empty() ? "" : format(", at %.2g", curve.points.back().lr).c_str());
  }
  if (suggestion) {
    print("suggestion: --lr %.2g, in the longest valley of the running mean of the loss%s\n",
          curve.points[*suggestion].lr,
          steepest ? format("; it falls fastest at %.2g", curve.points[*steepest].lr).c_str() : "");
  }
  print("drawn to %s\n", options.out.c_str());
}

ExitCode run(const Options& options) {
  const LrSweep sweep = parse_sweep(options);
  require_replaceable(options.out, "--out", "<svg", "drawing");
  TrainConfig config = configure(options.given, options.config_file);
  const Dataset data = load_training_data(config, loading(!options.json));
  const Graph graph = graph_for(config, data);
  const auto engine = make_engine(graph, config);
  check_run(*engine, graph, config, data);

  const std::string title = config.model + " on " + data.name;
  const std::string subtitle = "range test with " + config.optimizer + ", " + with_thousands(sweep.steps) +
                               " steps of " + with_thousands(config.batch) + " images, seed " +
                               std::to_string(config.seed);
  if (!options.json) {
    print("%s, %s: %s, learning rates %g to %g\n", title.c_str(), config.precision.c_str(), subtitle.c_str(),
          sweep.from, sweep.to);
  }
  const LrCurve curve =
      sweep_lr(*engine, graph, config, data, sweep, outside_inputs(config, graph, data).inputs);
  const std::optional<size_t> suggestion = valley(curve.points, sweep.steps);
  const std::optional<size_t> steepest = steepest_fall(curve.points);
  write_file_atomic(options.out, lr_find_svg(curve, sweep, suggestion, title, subtitle));
  if (options.json) {
    print_json(to_json(options, config, data, sweep, curve, suggestion, steepest));
  } else {
    print_text(options, curve, suggestion, steepest);
  }
  if (!suggestion) {
    throw Error(curve.diverged
                    ? "no suggestion: the loss diverged before it fell; a lower --min-lr may help"
                    : "no suggestion: the loss falls nowhere; a higher --max-lr or more --steps may help");
  }
  return ExitCode::done;
}

}  // namespace

void add_lr_find_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "lr-find", "Try learning rates from small to large; suggest one, draw the losses");
  command->footer(
      "The range test of Smith 2017, risen exponentially: --steps training steps, each at a larger rate, "
      "until\n"
      "the running mean of the loss is four times its least. The suggestion is a rate in that mean's "
      "longest\n"
      "valley, by fastai's rule; where it falls fastest, PyTorch Lightning's, is said beside it. The same "
      "seed\n"
      "gives the same numbers at any number of threads.");
  add_train_flags(*command, options->given, matters);
  const auto option = [&](const char* flag, std::string& value, const char* type, const char* help) {
    command->add_option(flag, value, help)->type_name(type)->group("The sweep");
  };
  option("--min-lr", options->min_lr, "X", "Learning rate of the first step (default 1e-5)");
  option("--max-lr", options->max_lr, "X", "Learning rate of the last step (default 10)");
  option("--steps", options->steps, "N", "Training steps (default 100)");
  option("--config", options->config_file, "FILE.toml", "Settings from a file, such as a run's config.toml");
  option("--out", options->out, "FILE.svg", "The drawing (default lr-find.svg)");
  command->add_flag("--json", options->json, "One JSON object in place of text")->group("The sweep");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace frugal

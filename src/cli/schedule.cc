// `frugal schedule`: the learning rate over a run, drawn without training.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/output.h"
#include "eval/schedule_chart.h"
#include "train/rate_curve.h"

namespace frugal {
namespace {

struct Options {
  GivenFlags given;
  std::string schedule, config_file, images = "45000", out = "schedule.svg";
  bool json = false;
};

bool matters(const std::string& flag) {
  const std::vector<std::string> flags = {"--recipe", "--epochs", "--batch", "--lr", "--warmup"};
  return std::ranges::find(flags, flag) != flags.end();
}

std::string named(const TrainConfig& config) {
  return config.schedule + (config.warmup == "none" ? "" : ", warm-up " + config.warmup);
}

std::string described(const TrainConfig& config, const RateCurve& curve) {
  return with_thousands(curve.epochs) + " epochs of " + with_thousands(curve.steps_per_epoch) +
         " steps, learning rate " + exact_text(config.lr);
}

Json point_json(const RatePoint& point) {
  return {{"step", point.at.step},
          {"progress", point.at.progress},
          {"epochs", point.at.epochs},
          {"lr", point.rate}};
}

/// Every tenth of the run and its last step, a line each.
void print_table(const Schedule& schedule, const RateCurve& curve, double highest) {
  print("\nprogress    epochs         step  rate\n");
  int64_t before = -1;
  for (int64_t tenth = 0; tenth <= 10; ++tenth) {
    const int64_t step = std::min(curve.steps() * tenth / 10, curve.steps() - 1);
    if (step == before) continue;
    before = step;
    const RatePoint point = curve.at(schedule, step);
    constexpr double width = 40;
    const double part = highest > 0 ? point.rate / highest : 0;
    const std::string bar(static_cast<size_t>(std::lround(width * part)), '#');
    print("%6.1f %%  %8.2f  %11s  %s\n", 100 * point.at.progress, point.at.epochs,
          with_thousands(step).c_str(),
          bar.empty() ? format("%.4g", point.rate).c_str()
                      : format("%-10.4g %s", point.rate, bar.c_str()).c_str());
  }
}

ExitCode run(const Options& options) {
  require_replaceable(options.out, "--out", "<svg", "drawing");
  GivenFlags given = options.given;
  if (!options.schedule.empty()) given["--schedule"] = options.schedule;
  const TrainConfig config = configure(given, options.config_file);
  if (config.epochs == 0) {
    throw usage_error("how many epochs fit the time is only known when they are done; give --epochs");
  }
  const int64_t images = parse_count(options.images, "--images");
  if (images < 1 || images > 1'000'000'000) throw usage_error("--images must be in 1 to 1,000,000,000");
  const RateCurve curve{config.lr, config.epochs, (images + config.batch - 1) / config.batch};
  const auto schedule = parse_schedule(config.schedule, config.warmup);
  const std::vector<RatePoint> points = sample_rates(*schedule, curve);
  write_file_atomic(options.out, schedule_svg(points, curve.epochs, named(config), described(config, curve)));
  if (options.json) {
    Json json = {{"schedule", config.schedule},
                 {"warmup", config.warmup},
                 {"lr", config.lr},
                 {"epochs", curve.epochs},
                 {"steps_per_epoch", curve.steps_per_epoch},
                 {"svg", options.out},
                 {"points", Json::array()}};
    for (const RatePoint& point : points) json["points"].push_back(point_json(point));
    print_json(json);
    return ExitCode::done;
  }
  print("%s: %s\n", named(config).c_str(), described(config, curve).c_str());
  print_table(*schedule, curve, std::ranges::max(points, {}, &RatePoint::rate).rate);
  print("\ndrawn to %s\n", options.out.c_str());
  return ExitCode::done;
}

}  // namespace

void add_schedule_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      program.add_subcommand("schedule", "Draw the learning rate over a run, without training");
  command->footer(
      "Examples:\n"
      "  frugal schedule cosine --warmup 5epochs --epochs 100\n"
      "  frugal schedule --config runs/seed-2/config.toml --out rate.svg");
  command
      ->add_option("schedule", options->schedule,
                   "What train's --schedule takes (default: the recipe's); docs/schedules.md has them all")
      ->type_name("SPEC");
  add_train_flags(*command, options->given, matters);
  command->add_option("--config", options->config_file, "Settings from a file, such as a run's config.toml")
      ->type_name("FILE.toml");
  command
      ->add_option("--images", options->images,
                   "Training images an epoch (default 45000: CIFAR-100's, a tenth held out)")
      ->type_name("COUNT");
  command->add_option("--out", options->out, "The drawing (default schedule.svg)")->type_name("FILE.svg");
  add_json_flag(*command, options->json);
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace frugal

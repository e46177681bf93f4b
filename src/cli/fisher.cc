// `frugal fisher`: how much each weight of a run matters for what it has learned, for elastic weight
// consolidation.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "base/clock.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/loading.h"
#include "cli/output.h"
#include "data/sampler.h"
#include "data/selection.h"
#include "eval/loaded_model.h"
#include "run/training_run.h"
#include "train/fisher.h"
#include "train/trainer.h"

namespace frugal {
namespace {

struct Options {
  std::string run, out, images = "2000", seed = "1", threads = "0";
  bool empirical = false, json = false;
};

/// A slip of the hand must not cost weights.
void require_fisher_file(const std::filesystem::path& out) {
  std::error_code ignored;
  if (!std::filesystem::exists(out, ignored) || is_fisher_file(out)) return;
  throw usage_error("--out " + out.string() +
                    " exists already and is no file of frugal fisher; choose another name");
}

ExitCode run(const Options& options) {
  const ModelFiles files = find_model(options.run);
  const std::optional<TrainConfig> config = load_config(files);
  if (!config) {
    throw usage_error(options.run +
                      " has no config.toml, which says what it was trained on; give a run directory");
  }
  const int64_t wanted = parse_integer(options.images, "--images");
  if (wanted < 1) throw usage_error("--images must be at least 1");
  FisherOptions how;
  how.labels = options.empirical ? FisherLabels::empirical : FisherLabels::sampled;
  how.seed = parse_seed(options.seed);

  const std::filesystem::path out = !options.out.empty() ? std::filesystem::path(options.out)
                                                         : files.weights.parent_path() / "fisher.safetensors";
  require_fisher_file(out);

  // One image at a time, whose gradient is squared before the next: nothing for several threads to share.
  LoadedModel model = load_model(files, {.threads = 1, .batch = 1});
  Engine& engine = *model.engine;
  engine.train_at(fisher_graph(model.graph));
  TrainConfig in_fp32 = *config;  // whatever the run's machine had
  in_fp32.precision = "fp32";
  const Dataset data = load_training_data(in_fp32, loading(!options.json));
  if (config->task != "all") how.classes = parse_classes(config->task, data.classes, "--task");
  std::vector<int32_t> ids = epoch_order(choose_split(*config, data).train, how.seed, 0);
  if (std::ssize(ids) > wanted) ids.resize(static_cast<size_t>(wanted));

  const Stopwatch clock;
  const AlignedFloats fisher = fisher_diagonal(engine, data.train, ids, model.info.normalization, how);
  write_fisher(out, engine.parameters(), fisher, std::ssize(ids), how.labels);
  double sum = 0;
  for (const float value : fisher.span()) sum += value;
  const char* labels = options.empirical ? "the data's labels" : "labels drawn from its predictions";
  if (options.json) {
    print_json({{"weights", files.weights.string()},
                {"out", out.string()},
                {"images", ids.size()},
                {"labels", options.empirical ? "empirical" : "sampled"},
                {"trace", sum},
                {"timing", {{"seconds", clock.seconds()}}}});
    return ExitCode::done;
  }
  print("weights  %s (%s)\n", files.weights.string().c_str(), model.info.model.c_str());
  print("fisher   %s: %s images, %s; trace %.4g, in %s\n", out.string().c_str(),
        with_thousands(std::ssize(ids)).c_str(), labels, sum, human_duration(clock.seconds()).c_str());
  return ExitCode::done;
}

}  // namespace

void add_fisher_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand(
      "fisher", "How much each weight of a run matters: the Fisher information's diagonal");
  command->footer(
      "Written beside the run's weights as fisher.safetensors, with the weights themselves: what\n"
      "frugal train --loss \"ce + 50*ewc\" --from RUN pulls to (Kirkpatrick et al. 2017). Squared gradients "
      "of\n"
      "log p(label | image), averaged over training images, in fp32, the network as in evaluation.");
  command->add_option("run", options->run, "Run directory")->required()->type_name("RUN");
  command->add_option("--images", options->images, "How many training images (default 2000)")->type_name("N");
  command->add_flag("--empirical", options->empirical,
                    "The data's labels in place of ones drawn from predictions");
  command->add_option("--seed", options->seed, "Which images, and the draws")->type_name("N");
  command->add_option("--out", options->out, "The file (default RUN/fisher.safetensors)")->type_name("FILE");
  add_json_flag(*command, options->json);
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace frugal

// `frugal eval`: loss and accuracies of trained weights on a split of a data set.
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "base/units.h"
#include "cli/command.h"
#include "cli/loading.h"
#include "cli/output.h"
#include "data/selection.h"
#include "eval/loaded_model.h"
#include "eval/logits.h"
#include "graph/table.h"
#include "train/loss.h"

namespace frugal {
namespace {

struct Options {
  std::string model, split = "test", data, precision, threads = "0", tta, logits, task;
  bool unmasked = false, skip_bad = false, json = false;
};

/// Which images of `data` are meant. What was held out for validation is known from the run's configuration
/// only.
std::vector<int32_t> images_of(const std::string& split, const Dataset& data,
                               const std::optional<TrainConfig>& config) {
  if (split == "test") {
    std::vector<int32_t> all(static_cast<size_t>(data.test.count));
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
  if (!config) {
    throw usage_error("--split " + split +
                      ": which images were held out is in the run's config.toml; give the run directory");
  }
  TrainValSplit halves = choose_split(*config, data);
  std::vector<int32_t> chosen = split == "val" ? std::move(halves.val) : std::move(halves.train);
  if (chosen.empty()) throw usage_error("--split " + split + ": the run held no image out for it");
  return chosen;
}

void check_data_fits(const Dataset& data, const CheckpointInfo& info) {
  const Shape shape{data.train.height, data.train.width, data.train.channels};
  if (shape != info.input) {  // heights and widths have been made alike
    throw usage_error("--data " + data.name + ": its images are " + image_shape(data.train) +
                      ", the model takes " + std::to_string(info.input.c) + " x " +
                      std::to_string(info.input.h) + " x " + std::to_string(info.input.w));
  }
  if (data.classes != info.classes) {
    const bool counts = data.classes.size() != info.classes.size();
    throw usage_error("--data " + data.name + ": its classes are not those that the model was trained on" +
                      (counts ? " (" + std::to_string(data.classes.size()) + " instead of " +
                                    std::to_string(info.classes.size()) + ")"
                              : ""));
  }
}

ExitCode run(const Options& options) {
  if (options.split != "test" && options.split != "val" && options.split != "train") {
    throw usage_error("--split: '" + options.split + "' is none of test, val, train");
  }
  if (!options.tta.empty() && options.tta != "flip") {
    throw usage_error("--tta: '" + options.tta + "' is not known; there is flip");
  }
  const ModelFiles files = find_model(options.model);
  std::optional<TrainConfig> config = load_config(files);
  if (!options.task.empty()) {
    if (!config) throw usage_error("--task needs the run's config.toml; give the run directory");
    config->task = options.task;
  }
  EngineOptions engine_options;
  engine_options.threads = parse_threads(options.threads);
  if (config) {
    engine_options.batch = config->batch;
    engine_options.shard = config->shard;
    engine_options.batch_norm = choose_batch_norm(config->batch_norm);
  }
  const std::string asked = !options.precision.empty() ? options.precision
                            : config                   ? config->precision
                                                       : "auto";
  engine_options.precision = choose_precision(asked);
  LoadedModel model = load_model(files, engine_options);

  const std::string name = !options.data.empty() ? options.data : config ? config->data : model.info.data;
  LoadOptions how = loading("auto", options.skip_bad || (config && config->skip_bad), !options.json);
  how.image_size = ImageSize{model.info.input.h, model.info.input.w};
  Dataset data = load_dataset(name, how);
  if (config && name == config->data) {
    apply_selection(*config, data);
  } else {
    keep_classes(data, model.info.classes);
  }
  check_data_fits(data, model.info);
  const ImageSet& images = options.split == "test" ? data.test : data.train;
  const std::vector<int32_t> ids = images_of(options.split, data, config);
  TrainConfig how_to_judge = config.value_or(TrainConfig());
  if (options.unmasked) how_to_judge.task = "all";
  const Loss loss = loss_for(how_to_judge, data);
  const auto measure = [&](TestTime test_time) {
    return evaluate(*model.engine, images, ids, model.info.normalization, loss.logits(), engine_options.batch,
                    {.test_time = test_time});
  };
  const Metrics metrics = measure(TestTime::plain);
  std::optional<Metrics> mirrored;
  if (options.tta == "flip") mirrored = measure(TestTime::flip);
  if (!options.logits.empty()) {
    write_npy(options.logits, logits_of(*model.engine, images, ids, model.info.normalization),
              model.graph.classes);
  }

  if (options.json) {
    Json json = {{"weights", files.weights.string()},
                 {"data", data.name},
                 {"split", options.split},
                 {"precision", precision_name(engine_options.precision)},
                 {"params", model.graph.parameter_count()}};
    json.update(metrics_json(metrics));
    if (mirrored) json["tta_flip"] = metrics_json(*mirrored);
    print_json(json);
    return ExitCode::done;
  }
  print("weights  %s (%s, %s)\n", files.weights.string().c_str(), model.info.model.c_str(),
        parameters_text(model.graph).c_str());
  print("data     %s, %s split, %s images, %s\n", data.name.c_str(), options.split.c_str(),
        with_thousands(metrics.samples).c_str(), precision_name(engine_options.precision).c_str());
  print("loss     %.4f\ntop-1    %s\ntop-3    %s\ntop-5    %s\n", metrics.loss, percent(metrics.top1).c_str(),
        percent(metrics.top3).c_str(), percent(metrics.top5).c_str());
  if (mirrored) {
    print("with test-time flip (mean logits of image and mirror image)\nloss     %.4f\ntop-1    %s\n",
          mirrored->loss, percent(mirrored->top1).c_str());
  }
  return ExitCode::done;
}

}  // namespace

void add_eval_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("eval", "Loss and accuracies of trained weights on a split");
  command->footer(
      "A run directory means its best weights (else its last) and its configuration: data, split and "
      "precision.\n"
      "A weights file uses the config.toml beside it, where there is one.");
  add_weights_argument(*command, options->model);
  command->add_option("--split", options->split, "test (default), val or train")->type_name("SPLIT");
  command->add_option("--data", options->data, "Another data set of the same classes (default: the run's)")
      ->type_name("NAME|DIR");
  command
      ->add_option("--task", options->task,
                   "Images of these classes, among which alone the network chooses (default: the run's)")
      ->type_name("CLASSES");
  command->add_flag("--unmasked", options->unmasked, "With --task: it chooses among all of its classes");
  command->add_flag("--skip-bad", options->skip_bad,
                    "Leave broken pictures of a folder out (default: the run's)");
  command
      ->add_option(
          "--tta", options->tta,
          "flip: beside the plain figures, those of the mean logits of each image and its mirror image")
      ->type_name("flip");
  command
      ->add_option("--logits", options->logits,
                   "Also write the logits, a row an image in the data's order, for NumPy")
      ->type_name("FILE.npy");
  add_engine_flags(*command, options->precision, "default: the run's", options->threads);
  add_json_flag(*command, options->json);
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace frugal

// `frugal eval`: what trained weights are worth on a split of a data set.
#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/eval_report.h"
#include "cli/loading.h"
#include "cli/output.h"
#include "data/selection.h"
#include "eval/loaded_model.h"
#include "eval/npy.h"
#include "eval/predictions_csv.h"
#include "graph/table.h"
#include "train/loss.h"

namespace frugal {
namespace {

struct Options {
  std::string model, split = "test", data, precision, threads = "0", tta, logits, task;
  std::string against, predictions, confusion;
  bool unmasked = false, skip_bad = false, calibrate = false, per_class = false, json = false;
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

/// The model that is judged, and how its run would have judged it.
struct Judged {
  ModelFiles files;
  std::optional<TrainConfig> config;
  EngineOptions engine;
  LoadedModel model;
};

Judged load(const Options& options, const std::string& name) {
  Judged judged;
  judged.files = find_model(name);
  judged.config = load_config(judged.files);
  judged.engine.threads = parse_threads(options.threads);
  const std::optional<TrainConfig>& config = judged.config;
  if (config) {
    judged.engine.batch = config->batch;
    judged.engine.shard = config->shard;
    judged.engine.batch_norm = choose_batch_norm(config->batch_norm);
  }
  judged.engine.precision = choose_precision(!options.precision.empty() ? options.precision
                                             : config                   ? config->precision
                                                                        : "auto");
  judged.model = load_model(judged.files, judged.engine);
  return judged;
}

Dataset load_data(const Options& options, const Judged& judged) {
  const std::optional<TrainConfig>& config = judged.config;
  const CheckpointInfo& info = judged.model.info;
  const std::string name = !options.data.empty() ? options.data : config ? config->data : info.data;
  LoadOptions how = loading("auto", options.skip_bad || (config && config->skip_bad), !options.json);
  how.image_size = ImageSize{info.input.h, info.input.w};
  Dataset data = load_dataset(name, how);
  if (config && name == config->data) {
    apply_selection(*config, data);
  } else {
    keep_classes(data, info.classes);
  }
  check_data_fits(data, info);
  return data;
}

/// Images of a data set, with the labels and the loss that they are judged by.
struct Images {
  const ImageSet& set;
  std::vector<int32_t> ids, labels;
  Loss loss;
  std::vector<int32_t> task;  // the classes that can be guessed; empty: all

  Images(const Dataset& data, const std::string& split, const std::optional<TrainConfig>& config,
         bool unmasked)
      : set(split == "test" ? data.test : data.train), ids(images_of(split, data, config)) {
    labels.reserve(ids.size());
    for (const int32_t id : ids) labels.push_back(set.labels[static_cast<size_t>(id)]);
    TrainConfig how_to_judge = config.value_or(TrainConfig());
    if (unmasked) how_to_judge.task = "all";
    loss = loss_for(how_to_judge, data);
    if (how_to_judge.task != "all") task = parse_classes(how_to_judge.task, data.classes, "--task");
  }

  Metrics measure(Judged& judged, TestTime test_time, std::span<float> logits) const {
    return evaluate(*judged.model.engine, set, ids, judged.model.info.normalization, this->loss.logits(),
                    judged.engine.batch, {.test_time = test_time, .logits = logits});
  }
  /// Logits [ids, classes] as the network gives them, and the figures that they come to.
  Metrics measure(Judged& judged, std::vector<float>& logits) const {
    logits.resize(ids.size() * static_cast<size_t>(judged.model.graph.classes));
    return measure(judged, TestTime::plain, logits);
  }
  /// Classes of other tasks cannot be guessed.
  void mask(std::vector<float>& logits, int64_t classes) const {
    if (task.empty()) return;
    for (size_t i = 0; i < logits.size(); ++i) {
      const auto label = static_cast<int32_t>(i % static_cast<size_t>(classes));
      if (std::ranges::find(task, label) == task.end()) logits[i] = -std::numeric_limits<float>::infinity();
    }
  }
};

Tempered temper(const Options& options, const Dataset& data, Judged& judged, std::span<const float> logits,
                std::span<const int32_t> labels) {
  const Images held_out(data, "val", judged.config, options.unmasked);
  const int64_t classes = judged.model.graph.classes;
  std::vector<float> own;
  held_out.measure(judged, own);
  held_out.mask(own, classes);
  const double temperature = fit_temperature(own, held_out.labels, classes);
  return {temperature, std::ssize(held_out.labels), calibrate(logits, labels, classes, temperature)};
}

bool is_right(std::span<const float> logits, size_t n, int64_t classes, int32_t label) {
  const auto row = logits.subspan(n * static_cast<size_t>(classes), static_cast<size_t>(classes));
  return std::ranges::max_element(row) - row.begin() == label;
}

Rival compare(const Options& options, const Dataset& data, const Images& images,
              std::span<const float> logits) {
  Judged other = load(options, options.against);
  check_data_fits(data, other.model.info);
  Rival rival;
  rival.weights = other.files.weights.string();
  std::vector<float> own;
  rival.metrics = images.measure(other, own);
  const int64_t classes = other.model.graph.classes;
  images.mask(own, classes);
  for (size_t n = 0; n < images.ids.size(); ++n) {
    const bool first = is_right(logits, n, classes, images.labels[n]),
               second = is_right(own, n, classes, images.labels[n]);
    rival.only_first += first && !second;
    rival.only_second += second && !first;
  }
  return rival;
}

void check(const Options& options) {
  if (options.split != "test" && options.split != "val" && options.split != "train") {
    throw usage_error("--split: '" + options.split + "' is none of test, val, train");
  }
  if (!options.tta.empty() && options.tta != "flip") {
    throw usage_error("--tta: '" + options.tta + "' is not known; there is flip");
  }
}

ExitCode run(const Options& options) {
  check(options);
  Judged judged = load(options, options.model);
  if (!options.task.empty()) {
    if (!judged.config) throw usage_error("--task needs the run's config.toml; give the run directory");
    judged.config->task = options.task;
  }
  const LoadedModel& model = judged.model;
  const Dataset data = load_data(options, judged);
  const Images images(data, options.split, judged.config, options.unmasked);
  const int64_t classes = model.graph.classes;

  Evaluation evaluation;
  evaluation.weights = judged.files.weights.string();
  evaluation.model = model.info.model;
  evaluation.parameters = parameters_text(model.graph);
  evaluation.parameter_count = model.graph.parameter_count();
  evaluation.data = data.name;
  evaluation.split = options.split;
  evaluation.precision = judged.engine.precision;
  evaluation.threads = model.engine->threads();
  evaluation.classes = data.classes;
  std::vector<float> logits;
  const Stopwatch clock;
  evaluation.metrics = images.measure(judged, logits);
  evaluation.seconds = clock.seconds();
  if (!options.logits.empty()) write_npy(options.logits, logits, classes);
  images.mask(logits, classes);
  evaluation.assessment = assess(logits, images.labels, classes,
                                 superclasses(data.train.labels, data.train.coarse_labels, classes));
  if (!options.predictions.empty()) {
    write_predictions(options.predictions, images.ids, images.labels, logits, data.classes);
  }
  if (!options.confusion.empty()) {
    write_confusion(options.confusion, evaluation.assessment.confusion, data.classes);
  }
  if (options.tta == "flip") evaluation.mirrored = images.measure(judged, TestTime::flip, {});
  if (options.calibrate) evaluation.tempered = temper(options, data, judged, logits, images.labels);
  if (!options.against.empty()) evaluation.rival = compare(options, data, images, logits);
  if (options.json) {
    print_json(evaluation_json(evaluation));
  } else {
    print_evaluation(evaluation, options.per_class);
  }
  return ExitCode::done;
}

}  // namespace

void add_eval_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      program.add_subcommand("eval", "What trained weights are worth on a split (docs/eval.md)");
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
  command->add_flag("--per-class", options->per_class,
                    "Precision, recall and F1 of every class, the worst first");
  command->add_flag("--calibrate", options->calibrate,
                    "Fit a temperature on the validation images, and say what it makes of the confidences");
  command
      ->add_option("--against", options->against,
                   "Another network on the same images: is one better? (McNemar's test)")
      ->type_name("RUN|FILE");
  command
      ->add_option("--predictions", options->predictions,
                   "Also write every image's label, guess and probabilities")
      ->type_name("FILE.csv");
  command
      ->add_option("--confusion", options->confusion, "Also write how often which class is taken for which")
      ->type_name("FILE.csv");
  add_engine_flags(*command, options->precision, "default: the run's", options->threads);
  add_json_flag(*command, options->json);
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace frugal

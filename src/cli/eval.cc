// `frugal eval`: what trained weights are worth on a split of a data set.
#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/eval_report.h"
#include "cli/judged.h"
#include "cli/output.h"
#include "eval/npy.h"
#include "eval/predictions_csv.h"
#include "graph/table.h"

namespace frugal {
namespace {

struct Options {
  std::string model, split = "test", data, precision, threads = "0", tta, logits, task;
  std::string against, predictions, confusion;
  bool unmasked = false, skip_bad = false, calibrate = false, per_class = false, json = false;
};

JudgedFlags engine_flags(const Options& options) {
  return {options.precision, parse_threads(options.threads)};
}

Tempered temper(const JudgedImages& held_out, Judged& judged, std::span<const float> logits,
                std::span<const int32_t> labels) {
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

Rival compare(Judged& other, const JudgedImages& images, std::span<const float> logits) {
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

/// Whether what one of two runs on the same data held out the other one did, too.
bool hold_out_alike(const Judged& first, const Judged& second) {
  const auto held_out = [](const TrainConfig& run) {
    return std::tie(run.select, run.task, run.fraction, run.coarse, run.val, run.split, run.split_seed);
  };
  return first.config && second.config && held_out(*first.config) == held_out(*second.config);
}

void check(const Options& options) {
  if (options.split != "test" && options.split != "val" && options.split != "train") {
    throw usage_error("--split: '" + options.split + "' is none of test, val, train");
  }
  if (options.calibrate && options.split != "test") {
    throw usage_error(
        "--calibrate: the temperature is fitted to the images held out for validation, so that "
        "only the test split can be judged with it");
  }
  if (!options.tta.empty() && options.tta != "flip") {
    throw usage_error("--tta: '" + options.tta + "' is not known; there is flip");
  }
  require_replaceable(options.logits, "--logits", "\x93NUMPY", "NumPy array");
  require_replaceable(options.predictions, "--predictions", "image,label,guess,", "file of such predictions");
  require_replaceable(options.confusion, "--confusion", "label,", "confusion matrix");
}

ExitCode run(const Options& options) {
  check(options);
  Judged judged = load_judged(options.model, engine_flags(options));
  const bool held_out_matters = options.split != "test" || options.calibrate;
  if (!options.task.empty()) {
    if (!judged.config) throw usage_error("--task needs the run's config.toml; give the run directory");
    if (held_out_matters && options.task != judged.config->task) {
      throw usage_error("--task: of other classes than the run's own (" + judged.config->task +
                        ") nothing was held out; judge them on the test split, without --calibrate");
    }
    judged.config->task = options.task;
  }
  const LoadedModel& model = judged.model;
  const Dataset data = load_judged_data(judged, options.data, options.skip_bad, !options.json);
  if (held_out_matters && judged.config && !is_trained_data(judged, data)) {
    throw usage_error((options.calibrate ? "--calibrate" : "--split " + options.split) +
                      ": what was held out of " + data.name +
                      " cannot be told, which is not the data that the run was trained with");
  }
  const JudgedImages images(data, options.split, judged.config, options.unmasked);
  // What cannot be done is said before the work, and before a file is written.
  std::optional<JudgedImages> held_out;
  if (options.calibrate) held_out.emplace(data, "val", judged.config, options.unmasked, "--calibrate");
  std::optional<Judged> other;
  if (!options.against.empty()) {
    other = load_judged(options.against, engine_flags(options));
    check_data_fits(data, other->model.info, "--against " + options.against);
    if (options.split != "test" && !(is_trained_data(*other, data) && hold_out_alike(judged, *other))) {
      throw usage_error("--against: " + options.against +
                        " did not hold out the same images, and may have been trained on these; compare them "
                        "on the test split");
    }
  }
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
  if (held_out) evaluation.tempered = temper(*held_out, judged, logits, images.labels);
  if (other) evaluation.rival = compare(*other, images, logits);
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
  command->add_option("--split", options->split, "Which images (default test)")->type_name("test|val|train");
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

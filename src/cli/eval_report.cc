#include "cli/eval_report.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/columns.h"
#include "base/units.h"
#include "eval/proportion.h"

namespace frugal {
namespace {

Json range_json(int64_t successes, int64_t trials) {
  const ShareRange range = wilson_interval(successes, trials);
  return Json::array({range.low, range.high});
}

Json calibration_json(const Calibration& calibration) {
  Json bins = Json::array();
  for (const CalibrationBin& bin : calibration.bins) {
    bins.push_back({{"low", bin.low},
                    {"high", bin.high},
                    {"images", bin.images},
                    {"confidence", bin.confidence},
                    {"accuracy", bin.accuracy}});
  }
  return {{"error", calibration.error}, {"confidence", calibration.confidence}, {"bins", bins}};
}

Json classes_json(const Evaluation& evaluation) {
  Json classes = Json::array();
  for (size_t i = 0; i < evaluation.classes.size(); ++i) {
    const ClassScore& score = evaluation.assessment.classes[i];
    classes.push_back({{"name", evaluation.classes[i]},
                       {"images", score.images},
                       {"guessed", score.guessed},
                       {"precision", score.precision},
                       {"recall", score.recall},
                       {"f1", score.f1}});
  }
  return classes;
}

Json confusion_json(const Assessment& assessment) {
  const size_t width = assessment.classes.size();
  Json rows = Json::array();
  for (size_t label = 0; label < width; ++label) {
    const auto first = assessment.confusion.begin() + static_cast<std::ptrdiff_t>(label * width);
    rows.push_back(std::vector<int64_t>(first, first + static_cast<std::ptrdiff_t>(width)));
  }
  return rows;
}

void print_accuracy(const char* name, int64_t right, int64_t images) {
  const ShareRange range = wilson_interval(right, images);
  print("%-8s %s (95 %% interval %.2f to %.2f)\n", name,
        percent(static_cast<double>(right) / static_cast<double>(images)).c_str(), 100 * range.low,
        100 * range.high);
}

void print_classes(const Evaluation& evaluation) {
  const std::vector<ClassScore>& scores = evaluation.assessment.classes;
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](size_t i) { return scores[i].f1; });
  std::vector<std::vector<std::string>> rows = {{"class", "images", "precision", "recall", "F1"}};
  for (const size_t i : order) {
    if (scores[i].images == 0 && scores[i].guessed == 0) continue;  // of another task
    rows.push_back({printable(evaluation.classes[i]), with_thousands(scores[i].images),
                    percent(scores[i].precision), percent(scores[i].recall), format("%.4f", scores[i].f1)});
  }
  print("\n%s", align_columns(rows, 1, terminal_width()).c_str());
}

void print_rival(const Rival& rival, const Metrics& own) {
  print("\nagainst  %s: loss %.4f, top-1 %s\n", rival.weights.c_str(), rival.metrics.loss,
        percent(rival.metrics.top1).c_str());
  print(
      "         %s images only this one has right, %s only the other: top-1 %+.2f points, p = %.3g "
      "(McNemar)\n",
      with_thousands(rival.only_first).c_str(), with_thousands(rival.only_second).c_str(),
      100 * (own.top1 - rival.metrics.top1), mcnemar(rival.only_first, rival.only_second));
}

}  // namespace

void print_evaluation(const Evaluation& evaluation, bool per_class) {
  const Assessment& assessment = evaluation.assessment;
  print("weights  %s (%s, %s)\n", evaluation.weights.c_str(), printable(evaluation.model).c_str(),
        evaluation.parameters.c_str());
  print("data     %s, %s split, %s images, %s, %s images/s\n", evaluation.data.c_str(),
        evaluation.split.c_str(), with_thousands(evaluation.metrics.samples).c_str(),
        precision_name(evaluation.precision).c_str(),
        with_thousands(std::llround(static_cast<double>(assessment.images) / evaluation.seconds)).c_str());
  print("loss     %.4f\n", evaluation.metrics.loss);
  print_accuracy("top-1", assessment.top1, assessment.images);
  print_accuracy("top-3", assessment.top3, assessment.images);
  print_accuracy("top-5", assessment.top5, assessment.images);
  if (assessment.superclass) {
    print("super    %s of the guesses are of the right superclass, and %s of the wrong ones\n",
          percent(assessment.superclass->accuracy).c_str(),
          percent(assessment.superclass->errors_within).c_str());
  }
  print("trust    mean confidence %s; calibration error %s\n",
        percent(assessment.calibration.confidence).c_str(), percent(assessment.calibration.error).c_str());
  if (evaluation.tempered) {
    print("         at temperature %.3f, fitted on %s validation images: %s; %s\n",
          evaluation.tempered->temperature, with_thousands(evaluation.tempered->fitted_on).c_str(),
          percent(evaluation.tempered->calibration.confidence).c_str(),
          percent(evaluation.tempered->calibration.error).c_str());
  }
  if (evaluation.mirrored) {
    print("\nwith test-time flip (mean logits of image and mirror image)\nloss     %.4f\ntop-1    %s\n",
          evaluation.mirrored->loss, percent(evaluation.mirrored->top1).c_str());
  }
  if (evaluation.rival) print_rival(*evaluation.rival, evaluation.metrics);
  if (per_class) print_classes(evaluation);
}

Json evaluation_json(const Evaluation& evaluation) {
  const Assessment& assessment = evaluation.assessment;
  Json json = {{"weights", evaluation.weights},
               {"data", evaluation.data},
               {"split", evaluation.split},
               {"precision", precision_name(evaluation.precision)},
               {"params", evaluation.parameter_count}};
  json.update(metrics_json(evaluation.metrics));
  json["intervals"] = {{"top1", range_json(assessment.top1, assessment.images)},
                       {"top3", range_json(assessment.top3, assessment.images)},
                       {"top5", range_json(assessment.top5, assessment.images)}};
  json["cross_entropy"] = assessment.loss;
  json["superclass"] = nullptr;
  if (assessment.superclass) {
    json["superclass"] = {{"accuracy", assessment.superclass->accuracy},
                          {"errors_within", assessment.superclass->errors_within}};
  }
  json["calibration"] = calibration_json(assessment.calibration);
  if (evaluation.tempered) {
    json["tempered"] = {{"temperature", evaluation.tempered->temperature},
                        {"fitted_on", evaluation.tempered->fitted_on},
                        {"calibration", calibration_json(evaluation.tempered->calibration)}};
  }
  if (evaluation.mirrored) json["tta_flip"] = metrics_json(*evaluation.mirrored);
  if (evaluation.rival) {
    const Rival& rival = *evaluation.rival;
    json["against"] = {{"weights", rival.weights}};
    json["against"].update(metrics_json(rival.metrics));
    json["against"]["only_first"] = rival.only_first;
    json["against"]["only_second"] = rival.only_second;
    json["against"]["p"] = mcnemar(rival.only_first, rival.only_second);
  }
  json["classes"] = classes_json(evaluation);
  json["confusion"] = confusion_json(assessment);
  json["timing"] = {{"seconds", evaluation.seconds},
                    {"images_per_second", static_cast<double>(assessment.images) / evaluation.seconds},
                    {"threads", evaluation.threads}};
  return json;
}

}  // namespace frugal

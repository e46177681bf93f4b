// What `frugal eval` says of what it has measured, to people and to programs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/output.h"
#include "eval/assessment.h"
#include "train/metrics.h"

namespace frugal {

/// A temperature that was fitted on the validation images, and what it does to the images evaluated.
struct Tempered {
  double temperature = 1;
  int64_t fitted_on = 0;  // images
  Calibration calibration;
};

/// Another network on the same images.
struct Rival {
  std::string weights;
  Metrics metrics;
  int64_t only_first = 0, only_second = 0;  // images that only one of them has right
};

struct Evaluation {
  std::string weights, model, parameters, data, split;
  int64_t parameter_count = 0;
  Precision precision = Precision::fp32;
  int threads = 1;
  double seconds = 0;  // of the plain evaluation
  std::vector<std::string> classes;
  Metrics metrics;
  std::optional<Metrics> mirrored;  // of the mean logits of each image and its mirror image
  Assessment assessment;
  std::optional<Tempered> tempered;
  std::optional<Rival> rival;
};

/// `per_class`: with a line a class, the worst first.
void print_evaluation(const Evaluation& evaluation, bool per_class);

Json evaluation_json(const Evaluation& evaluation);

}  // namespace frugal

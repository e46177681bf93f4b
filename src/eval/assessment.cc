#include "eval/assessment.h"

#include <algorithm>

#include "train/logit_rows.h"

namespace frugal {
namespace {

double ratio(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

std::vector<ClassScore> class_scores(const std::vector<int64_t>& confusion, size_t classes) {
  std::vector<ClassScore> scores(classes);
  for (size_t label = 0; label < classes; ++label) {
    for (size_t guess = 0; guess < classes; ++guess) {
      const int64_t count = confusion[label * classes + guess];
      scores[label].images += count;
      scores[guess].guessed += count;
      if (label == guess) scores[label].right = count;
    }
  }
  for (ClassScore& score : scores) {
    score.precision = ratio(score.right, score.guessed);
    score.recall = ratio(score.right, score.images);
    score.f1 = ratio(2 * score.right, score.guessed + score.images);
  }
  return scores;
}

}  // namespace

Assessment assess(std::span<const float> logits, std::span<const int32_t> labels, int64_t classes,
                  std::span<const int32_t> superclass_of) {
  const auto width = static_cast<size_t>(classes);
  Assessment result;
  result.confusion.resize(width * width);
  std::vector<double> probabilities, logarithms;
  LossSums ranks;
  int64_t right_superclass = 0;
  bool known = !superclass_of.empty();
  for (size_t n = 0; n < labels.size(); ++n) {
    const float* row = logits.data() + n * width;
    const auto label = static_cast<size_t>(labels[n]),
               guess = static_cast<size_t>(std::max_element(row, row + classes) - row);
    ++result.confusion[label * width + guess];
    known = known && superclass_of[guess] >= 0;
    if (known) right_superclass += superclass_of[label] == superclass_of[guess];
    count_ranks(ranks, row, classes, labels[n]);
    softmax_row(row, classes, 1, probabilities, logarithms);
    result.loss -= logarithms[label];
  }
  result.images = std::ssize(labels);
  result.loss /= static_cast<double>(labels.size());
  result.top1 = ranks.top1, result.top3 = ranks.top3, result.top5 = ranks.top5;
  result.classes = class_scores(result.confusion, width);
  if (known) {
    int64_t right = 0;
    for (const ClassScore& score : result.classes) right += score.right;
    result.superclass = {ratio(right_superclass, result.images),
                         ratio(right_superclass - right, result.images - right)};
  }
  result.calibration = calibrate(logits, labels, classes);
  return result;
}

std::vector<int32_t> superclasses(std::span<const int32_t> labels, std::span<const int32_t> coarse_labels,
                                  int64_t classes) {
  if (coarse_labels.empty()) return {};
  std::vector<int32_t> of(static_cast<size_t>(classes), -1);
  for (size_t n = 0; n < labels.size(); ++n) {
    int32_t& superclass = of[static_cast<size_t>(labels[n])];
    if (superclass >= 0 && superclass != coarse_labels[n]) return {};
    superclass = coarse_labels[n];
  }
  return of;
}

}  // namespace frugal

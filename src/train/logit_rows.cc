#include "train/logit_rows.h"

#include <algorithm>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/math.h"

namespace frugal {

int64_t label_of(const Targets& targets, int64_t n, int64_t classes) {
  const float* soft = targets.soft ? targets.soft + n * classes : nullptr;
  const int64_t label = soft ? std::max_element(soft, soft + classes) - soft : targets.labels[n];
  if (label < 0 || label >= classes) {
    throw Error("label " + std::to_string(label) + " is outside of the " + std::to_string(classes) +
                " classes");
  }
  return label;
}

void count_ranks(LossSums& sums, const float* logits, int64_t classes, int64_t label) {
  const float own = logits[label];
  int64_t rank = 0;  // how many logits come before the label's
  for (int64_t c = 0; c < label; ++c) rank += !(own > logits[c]);
  for (int64_t c = label + 1; c < classes; ++c) rank += !(own >= logits[c]);
  sums.top1 += rank < 1, sums.top3 += rank < 3, sums.top5 += rank < 5;
}

void softmax_row(const float* logits, int64_t classes, double temperature, std::vector<double>& probabilities,
                 std::vector<double>& logarithms) {
  const auto size = static_cast<size_t>(classes);
  probabilities.resize(size), logarithms.resize(size);
  float top = -std::numeric_limits<float>::infinity();
  for (int64_t c = 0; c < classes; ++c) top = logits[c] > top ? logits[c] : top;
  double sum = 0;
  for (size_t c = 0; c < size; ++c) {
    logarithms[c] = (static_cast<double>(logits[c]) - top) / temperature;
    probabilities[c] = exp_double(logarithms[c]);
    sum += probabilities[c];
  }
  const double log_sum = log_double(sum);
  for (size_t c = 0; c < size; ++c) probabilities[c] /= sum, logarithms[c] -= log_sum;
}

}  // namespace frugal

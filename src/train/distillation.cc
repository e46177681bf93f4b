#include "train/distillation.h"

#include <algorithm>
#include <vector>

#include "base/math.h"
#include "train/logit_rows.h"

namespace frugal {
namespace {

/// p log(p / q) by their logarithms; nothing where p is zero.
double divergence_of(double p, double log_p, double log_q) { return p > 0 ? p * (log_p - log_q) : 0.0; }

/// Counts and a gradient of zero: what is there without a teacher.
LossSums begin_row(const float* logits, int64_t count, int64_t classes, const Targets& targets,
                   float* gradient) {
  LossSums sums;
  sums.samples = count;
  sums.weight = static_cast<double>(count);
  for (int64_t n = 0; n < count; ++n) {
    count_ranks(sums, logits + n * classes, classes, label_of(targets, n, classes));
  }
  if (gradient) std::fill_n(gradient, count * classes, 0.0f);
  return sums;
}

}  // namespace

LossSums DistillationLoss::compute(const float* logits, int64_t count, int64_t classes,
                                   const Targets& targets, float scale, float* gradient) const {
  thread_local std::vector<double> p, log_p, q, log_q;  // the teacher's, the student's
  LossSums sums = begin_row(logits, count, classes, targets, gradient);
  for (int64_t n = 0; targets.teacher && n < count; ++n) {
    softmax_row(targets.teacher + n * classes, classes, temperature_, p, log_p);
    softmax_row(logits + n * classes, classes, temperature_, q, log_q);
    double divergence = 0;
    for (size_t c = 0; c < p.size(); ++c) divergence += divergence_of(p[c], log_p[c], log_q[c]);
    sums.loss += temperature_ * temperature_ * divergence;
    if (!gradient) continue;
    for (int64_t c = 0; c < classes; ++c) {
      const auto i = static_cast<size_t>(c);
      gradient[n * classes + c] = static_cast<float>(scale * temperature_ * (q[i] - p[i]));
    }
  }
  return sums;
}

LossSums DecoupledDistillationLoss::compute(const float* logits, int64_t count, int64_t classes,
                                            const Targets& targets, float scale, float* gradient) const {
  thread_local std::vector<double> p, log_p, q, log_q;  // the teacher's, the student's
  LossSums sums = begin_row(logits, count, classes, targets, gradient);
  const double square = temperature_ * temperature_;
  for (int64_t n = 0; targets.teacher && n < count; ++n) {
    softmax_row(targets.teacher + n * classes, classes, temperature_, p, log_p);
    softmax_row(logits + n * classes, classes, temperature_, q, log_q);
    const auto label = static_cast<size_t>(label_of(targets, n, classes));
    double p_rest = 0, q_rest = 0;  // not 1 - p: that would be zero where the label is all but certain
    for (size_t c = 0; c < p.size(); ++c) {
      if (c != label) p_rest += p[c], q_rest += q[c];
    }
    const double log_p_rest = log_double(p_rest), log_q_rest = log_double(q_rest);
    const double target =
        divergence_of(p[label], log_p[label], log_q[label]) + divergence_of(p_rest, log_p_rest, log_q_rest);
    double others = 0;
    for (size_t c = 0; c < p.size(); ++c) {
      if (c == label) continue;
      others += divergence_of(p[c] / p_rest, log_p[c] - log_p_rest, log_q[c] - log_q_rest);
    }
    sums.loss += square * (alpha_ * target + beta_ * others);
    if (!gradient) continue;
    for (int64_t c = 0; c < classes; ++c) {
      const auto i = static_cast<size_t>(c);
      // Of the binary divergence: q_label - p_label for the label, and the opposite shared out among the
      // rest.
      const double share = i == label ? 1 : -q[i] / q_rest;
      const double of_target = share * (q[label] - p[label]);
      const double of_others = i == label ? 0 : q[i] / q_rest - p[i] / p_rest;
      gradient[n * classes + c] =
          static_cast<float>(scale * temperature_ * (alpha_ * of_target + beta_ * of_others));
    }
  }
  return sums;
}

}  // namespace frugal

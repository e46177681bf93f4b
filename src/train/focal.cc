#include "train/focal.h"

#include "base/error.h"
#include "base/math.h"
#include "train/logit_rows.h"

namespace frugal {
namespace {

/// base^exponent for base in [0, 1], the same bits on every machine.
double power(double base, double exponent) {
  if (exponent == 0) return 1;
  return base > 0 ? exp_double(exponent * log_double(base)) : base == 0 ? 0 : base;  // NaN stays
}

}  // namespace

LossSums FocalLoss::compute(const float* logits, int64_t count, int64_t classes, const Targets& targets,
                            float scale, float* gradient) const {
  if (!weights_.empty() && std::ssize(weights_) != classes)
    throw Error("a class weight is missing, or one too many");
  thread_local std::vector<double> p, log_p, pull;
  LossSums sums;
  sums.samples = count;
  for (int64_t n = 0; n < count; ++n) {
    const float* z = logits + n * classes;
    const float* soft = targets.soft ? targets.soft + n * classes : nullptr;
    const int64_t label = label_of(targets, n, classes);
    count_ranks(sums, z, classes, label);
    softmax_row(z, classes, 1, p, log_p);
    // pull_c = t_c p_c f'(p_c) of f(p) = -(1 - p)^gamma log p; dL/dz_j = pull_j - p_j sum_c pull_c.
    pull.assign(p.size(), 0.0);
    double total = 0;
    for (int64_t c = 0; c < classes; ++c) {
      const auto i = static_cast<size_t>(c);
      const double target = (soft ? soft[c] : c == label) * (weights_.empty() ? 1.0 : weights_[i]);
      if (target == 0) continue;
      const double rest = 1 - p[i], damping = power(rest, gamma_);
      sums.loss -= target * damping * log_p[i];
      const double slope = gamma_ == 0 ? 0 : gamma_ * power(rest, gamma_ - 1) * p[i] * log_p[i];
      pull[i] = target * (slope - damping);
      total += pull[i];
    }
    sums.weight += soft || weights_.empty() ? 1 : weights_[static_cast<size_t>(label)];
    if (!gradient) continue;
    for (int64_t c = 0; c < classes; ++c) {
      const auto i = static_cast<size_t>(c);
      gradient[n * classes + c] = static_cast<float>(scale * (pull[i] - p[i] * total));
    }
  }
  return sums;
}

}  // namespace frugal

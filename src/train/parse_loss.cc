// `--loss` from its text. The sum of several losses on logits lives here too, since nobody else needs it.
#include <utility>

#include "base/error.h"
#include "base/spec.h"
#include "train/loss.h"

namespace frugal {
namespace {

struct WeightedLoss {
  double coefficient;
  std::unique_ptr<LogitLoss> loss;
};

/// sum_i coefficient_i * loss_i.
class SumLoss : public LogitLoss {
 public:
  explicit SumLoss(std::vector<WeightedLoss> terms) : terms_(std::move(terms)) {}

  LossSums compute(const float* logits, int64_t count, int64_t classes, const Targets& targets, float scale,
                   float* gradient) const override {
    thread_local std::vector<float> scratch;  // grows once, to a shard's logits
    const auto size = static_cast<size_t>(count * classes);
    LossSums sums;
    for (size_t i = 0; i < terms_.size(); ++i) {
      const auto& [coefficient, loss] = terms_[i];
      const auto scaled = static_cast<float>(scale * coefficient);
      float* own = gradient;
      if (gradient && i > 0) {
        if (scratch.size() < size) scratch.resize(size);
        own = scratch.data();
      }
      const LossSums term = loss->compute(logits, count, classes, targets, scaled, own);
      const double so_far = sums.loss;
      if (i == 0) sums = term;  // counts look at the logits alone, so any term's will do
      sums.loss = so_far + coefficient * term.loss;
      if (gradient && i > 0) {
        for (size_t k = 0; k < size; ++k) gradient[k] += own[k];
      }
    }
    return sums;
  }

 private:
  std::vector<WeightedLoss> terms_;
};

std::unique_ptr<LogitLoss> make_cross_entropy(const Spec& spec) {
  spec.expect({"smoothing"});
  const double smoothing = spec.number("smoothing", 0);
  if (!(smoothing >= 0 && smoothing < 1)) throw usage_error("--loss: smoothing must be in [0, 1)");
  return std::make_unique<CrossEntropy>(smoothing);
}

}  // namespace

Loss parse_loss(const std::string& text) {
  Loss result;
  std::vector<WeightedLoss> losses;
  for (const auto& [coefficient, spec] : parse_sum(text, "--loss")) {
    if (!(coefficient >= 0)) throw usage_error("--loss: the coefficient of " + spec.name + " is negative");
    if (spec.name == "ce") {
      losses.push_back({coefficient, make_cross_entropy(spec)});
    } else if (spec.name == "l2") {
      spec.expect({});
      result.penalties_.push_back({coefficient, std::make_unique<L2Penalty>()});
    } else {
      throw usage_error("--loss: no loss is called '" + spec.name + "'; there are ce, l2");
    }
  }
  if (losses.empty()) throw usage_error("--loss: '" + text + "' has no loss on the logits, such as ce");
  if (losses.size() == 1 && losses[0].coefficient == 1) {
    result.logits_ = std::move(losses[0].loss);
  } else {
    result.logits_ = std::make_unique<SumLoss>(std::move(losses));
  }
  return result;
}

}  // namespace frugal

// `--loss` from its text. The sum of several losses on logits lives here too, since nobody else needs it.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/spec.h"
#include "base/text.h"
#include "base/units.h"
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

/// The weights of ce:weights=..., empty without; checked alone where counts are not known.
std::vector<double> weights_of(const Spec& spec, const std::vector<int64_t>& class_counts) {
  const auto found = spec.options.find("weights");
  if (found == spec.options.end()) return {};
  std::vector<double> weights;
  if (found->second == "balanced") {
    double images = 0;
    for (const int64_t count : class_counts) images += static_cast<double>(count);
    for (size_t label = 0; label < class_counts.size(); ++label) {
      // A class without images never asks for its weight.
      const auto own = static_cast<double>(std::max<int64_t>(class_counts[label], 1));
      weights.push_back(images / (static_cast<double>(class_counts.size()) * own));
    }
    return weights;
  }
  for (const std::string_view piece : split(found->second, '|')) {
    weights.push_back(parse_number(std::string(trim(piece)), "--loss: weights"));
    if (!(weights.back() >= 0)) throw usage_error("--loss: weights must not be negative");
  }
  if (!class_counts.empty() && weights.size() != class_counts.size()) {
    throw usage_error("--loss: " + std::to_string(weights.size()) + " weights were given for " +
                      std::to_string(class_counts.size()) + " classes; balanced finds them itself");
  }
  return weights;
}

double smoothing_of(const Spec& spec) {
  spec.expect({"smoothing", "weights"});
  const double smoothing = spec.number("smoothing", 0);
  if (!(smoothing >= 0 && smoothing < 1)) throw usage_error("--loss: smoothing must be in [0, 1)");
  return smoothing;
}

}  // namespace

Loss parse_loss(const std::string& text, const std::vector<int64_t>& class_counts) {
  Loss result;
  std::vector<WeightedLoss> losses;
  for (const auto& [coefficient, spec] : parse_sum(text, "--loss")) {
    if (!(coefficient >= 0)) throw usage_error("--loss: the coefficient of " + spec.name + " is negative");
    if (spec.name == "ce") {
      const double smoothing = smoothing_of(spec);
      std::vector<double> weights = weights_of(spec, class_counts);
      if (!losses.empty() && weights != result.class_weights_) {
        throw usage_error("--loss: losses on the logits must weigh classes alike");
      }
      result.class_weights_ = weights;
      losses.push_back({coefficient, std::make_unique<CrossEntropy>(smoothing, std::move(weights))});
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

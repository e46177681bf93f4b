// `--loss` from its text. The sum of several losses on logits lives here too, since nobody else needs it.
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/spec.h"
#include "base/text.h"
#include "base/units.h"
#include "train/distillation.h"
#include "train/focal.h"
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

/// The weights of weights=..., empty without; checked alone where counts are not known.
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
  const double smoothing = spec.number("smoothing", 0);
  if (!(smoothing >= 0 && smoothing < 1)) throw usage_error("--loss: smoothing must be in [0, 1)");
  return smoothing;
}

double at_least(const Spec& spec, const char* key, double otherwise, double least) {
  const double value = spec.number(key, otherwise);
  if (value >= least && std::isfinite(value)) return value;
  throw usage_error("--loss: " + std::string(key) + " of " + spec.name + " must be at least " +
                    exact_text(least));
}

/// A softer distribution than this says nothing, and a harder one overflows.
double temperature_of(const Spec& spec) {
  const double temperature = spec.number("T", 4);
  if (temperature >= 0.01 && temperature <= 1000) return temperature;
  throw usage_error("--loss: T of " + spec.name + " must be in 0.01 to 1000");
}

/// A loss that looks at the logits, or null.
std::unique_ptr<LogitLoss> logit_loss(const Spec& spec, const std::vector<double>& weights) {
  if (spec.name == "ce") {
    spec.expect({"smoothing", "weights"});
    return std::make_unique<CrossEntropy>(smoothing_of(spec), weights);
  }
  if (spec.name == "focal") {
    spec.expect({"gamma", "weights"});
    return std::make_unique<FocalLoss>(at_least(spec, "gamma", 2, 0), weights);
  }
  if (spec.name == "kd") {
    spec.expect({"T"});
    return std::make_unique<DistillationLoss>(temperature_of(spec));
  }
  if (spec.name == "dkd") {
    spec.expect({"T", "alpha", "beta"});
    return std::make_unique<DecoupledDistillationLoss>(temperature_of(spec), at_least(spec, "alpha", 1, 0),
                                                       at_least(spec, "beta", 8, 0));
  }
  return nullptr;
}

std::vector<std::filesystem::path> files_of(const Spec& spec) {
  spec.expect({"from"});
  std::vector<std::filesystem::path> files;
  const auto found = spec.options.find("from");
  if (found == spec.options.end()) return files;
  for (const std::string_view piece : split(found->second, '|')) files.emplace_back(std::string(trim(piece)));
  return files;
}

}  // namespace

Loss parse_loss(const std::string& text, const std::vector<int64_t>& class_counts) {
  Loss result;
  std::vector<WeightedLoss> losses;
  for (const auto& [coefficient, spec] : parse_sum(text, "--loss")) {
    if (!(coefficient >= 0)) throw usage_error("--loss: the coefficient of " + spec.name + " is negative");
    const std::vector<double> weights = weights_of(spec, class_counts);
    if (auto loss = logit_loss(spec, weights)) {
      if (!losses.empty() && weights != result.class_weights_) {
        throw usage_error("--loss: losses on the logits must weigh classes alike");
      }
      result.class_weights_ = weights;
      result.needs_teacher_ = result.needs_teacher_ || spec.name == "kd" || spec.name == "dkd";
      losses.push_back({coefficient, std::move(loss)});
    } else if (spec.name == "l2sp") {
      spec.expect({});
      result.pulls_.push_back({coefficient, true, {}});
    } else if (spec.name == "ewc") {
      result.pulls_.push_back({coefficient, false, files_of(spec)});
    } else if (spec.name == "l2") {
      spec.expect({});
      result.penalties_.push_back({coefficient, std::make_unique<L2Penalty>()});
    } else {
      throw usage_error("--loss: no loss is called '" + spec.name +
                        "'; there are ce, focal, kd, dkd, l2, l2sp, ewc");
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

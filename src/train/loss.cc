#include "train/loss.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/math.h"
#include "train/anchor.h"
#include "train/chunks.h"
#include "train/groups.h"
#include "train/logit_rows.h"
#include "train/masked_loss.h"

namespace frugal {

LossSums CrossEntropy::compute(const float* logits, int64_t count, int64_t classes, const Targets& targets,
                               float scale, float* gradient) const {
  // A row's exponentials; rows wider than this are computed a second time instead of being kept.
  constexpr int64_t kept = 1024;
  double exps[kept];
  const double uniform = smoothing_ / static_cast<double>(classes), rest = 1.0 - smoothing_;
  if (!weights_.empty() && std::ssize(weights_) != classes)
    throw Error("a class weight is missing, or one too many");
  double all_weights = 0;
  for (int64_t c = 0; c < classes; ++c) all_weights += weight(c);
  LossSums sums;
  sums.samples = count;
  for (int64_t n = 0; n < count; ++n) {
    const float* z = logits + n * classes;
    const float* soft = targets.soft ? targets.soft + n * classes : nullptr;
    const int64_t label = label_of(targets, n, classes);
    float top = -std::numeric_limits<float>::infinity();
    for (int64_t c = 0; c < classes; ++c) top = z[c] > top ? z[c] : top;
    const double shift = top;
    for (int64_t c = 0; c < std::min(classes, kept); ++c) exps[c] = exp_double(z[c] - shift);
    double exp_sum = 0, logit_sum = 0, target_sum = 0, weighted = 0;
    for (int64_t c = 0; c < classes; ++c) {
      exp_sum += c < kept ? exps[c] : exp_double(z[c] - shift);
      logit_sum += weight(c) * (z[c] - shift);
    }
    if (soft) {
      for (int64_t c = 0; c < classes; ++c) {
        const double target = weight(c) * soft[c];
        target_sum += target, weighted += target * (z[c] - shift);
      }
      sums.weight += 1;
    } else {
      target_sum = weight(label), weighted = target_sum * (z[label] - shift);
      sums.weight += target_sum;
    }
    // -sum_c t'_c (z_c - shift - log sum exp) with t' = rest * t + uniform. The last term is zero, or NaN
    // where a logit is not finite.
    const double mass = rest * target_sum + uniform * all_weights;
    sums.loss += mass * log_double(exp_sum) - rest * weighted - uniform * logit_sum + 0.0 * logit_sum;
    count_ranks(sums, z, classes, label);
    if (!gradient) continue;
    float* g = gradient + n * classes;
    const double factor = mass / exp_sum;
    for (int64_t c = 0; c < classes; ++c) {
      const double target = weight(c) * (rest * (soft ? soft[c] : c == label) + uniform);
      g[c] = static_cast<float>(scale * ((c < kept ? exps[c] : exp_double(z[c] - shift)) * factor - target));
    }
  }
  return sums;
}

double L2Penalty::apply(double coefficient, const float* weights, float* gradients, int64_t first,
                        int64_t last) const {
  const auto pull = static_cast<float>(coefficient);
  return coefficient * 0.5 * sum_in_lanes(first, last, [&](int64_t i) {
           gradients[i] += pull * weights[i];
           return static_cast<double>(weights[i]) * weights[i];
         });
}

bool Loss::needs_initial_weights() const { return std::ranges::any_of(pulls_, &Pull::to_initial); }

std::vector<std::filesystem::path> Loss::fisher_files(const std::filesystem::path& by_default) const {
  std::vector<std::filesystem::path> files;
  for (const Pull& pull : pulls_) {
    const auto own = pull.to_initial ? std::vector<std::filesystem::path>() : files_of(pull, by_default);
    files.insert(files.end(), own.begin(), own.end());
  }
  return files;
}

std::vector<std::filesystem::path> Loss::files_of(const Pull& pull, const std::filesystem::path& by_default) {
  if (!pull.files.empty()) return pull.files;
  if (!by_default.empty()) return {by_default};
  throw usage_error(
      "--loss: ewc needs a file of Fisher information: ewc:from=FILE, as frugal fisher RUN writes it");
}

void Loss::mask(std::vector<int32_t> classes) {
  logits_ = std::make_unique<MaskedLoss>(std::move(logits_), std::move(classes));
}

void Loss::anchor(const Parameters& parameters, const AnchorSources& sources) {
  size_t files = 0;  // that were read
  for (const Pull& pull : pulls_) {
    const auto add = [&](Anchor anchor) {
      penalties_.push_back({pull.coefficient, std::make_unique<AnchorPenalty>(std::move(anchor))});
    };
    if (pull.to_initial) {
      if (!sources.initial)
        throw usage_error("--loss: l2sp pulls to the weights of --from, which is not given");
      add(sources.initial());
      continue;
    }
    const size_t own = std::max<size_t>(pull.files.size(), 1);
    for (size_t i = 0; i < own; ++i) add(read_anchor(sources.fisher.at(files++), parameters));
  }
  pulls_.clear();
}

void Loss::train_only(const Parameters& parameters, const Graph& graph) {
  trained_.clear();
  for (const Stretch& stretch :
       ParameterGroups("none", "all", 0).stretches(parameters, trainable_in(graph))) {
    trained_.emplace_back(stretch.first, stretch.last);
  }
}

double Loss::add_penalties(Engine& engine) {
  if (penalties_.empty()) return 0;
  const float* weights = engine.parameters().weights().data();
  const std::span<float> gradients = engine.parameters().gradients();
  const auto size = static_cast<int64_t>(gradients.size());
  partial_.resize(static_cast<size_t>(chunk_count(size)));
  for_each_chunk(engine, size, [&](int64_t chunk, int64_t first, int64_t last) {
    double value = 0;
    const auto apply = [&](int64_t from, int64_t to) {
      for (const WeightedPenalty& p : penalties_) {
        value += p.penalty->apply(p.coefficient, weights, gradients.data(), from, to);
      }
    };
    if (trained_.empty()) apply(first, last);
    for (const auto& [from, to] : trained_) {
      if (from < last && to > first) apply(std::max(first, from), std::min(last, to));
    }
    partial_[static_cast<size_t>(chunk)] = value;
  });
  double sum = 0;
  for (double value : partial_) sum += value;
  return sum;
}

}  // namespace frugal

#include "train/optimizer.h"

#include <cfloat>
#include <cmath>
#include <functional>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/spec.h"
#include "train/groups.h"
#include "train/lookahead.h"
#include "train/muon.h"
#include "train/optimizer_passes.h"

namespace frugal {
namespace {

class Sgd : public Optimizer {
 public:
  Sgd(bool nesterov, const OptimizerOptions& options, const ParameterGroups& groups, Parameters& parameters)
      : nesterov_(nesterov),
        momentum_(static_cast<float>(options.momentum)),
        groups_(groups),
        stretches_(groups.stretches(parameters)) {
    if (options.momentum != 0) velocity_ = parameters.add_state();
  }

  void step(Engine& engine, double lr) override {
    const std::span<float> weights = engine.parameters().weights();
    const std::span<float> gradients = engine.parameters().gradients();
    for_each_piece(engine, stretches_, [&](int64_t first, int64_t last, const GroupSettings& group) {
      const auto rate = static_cast<float>(lr * group.lr), decay = static_cast<float>(group.decay);
      sgd_any_pass(weights.data() + first, gradients.data() + first,
                   velocity_.empty() ? nullptr : velocity_.data() + first, last - first, rate, momentum_,
                   decay, nesterov_);
    });
    ++steps_;
  }

  void train_only(const Parameters& parameters, const Graph& graph) override {
    stretches_ = groups_.stretches(parameters, trainable_in(graph));
  }

 private:
  bool nesterov_;
  float momentum_;
  ParameterGroups groups_;
  std::vector<Stretch> stretches_;
  std::span<float> velocity_;
};

/// Adam, and AdamW where `decoupled`.
class Adam : public Optimizer {
 public:
  Adam(bool decoupled, double beta1, double beta2, double eps, const ParameterGroups& groups,
       Parameters& parameters)
      : decoupled_(decoupled),
        beta1_(beta1),
        beta2_(beta2),
        eps_(eps),
        groups_(groups),
        begun_(parameters.slots().size()) {
    mean_ = parameters.add_state();
    square_ = parameters.add_state();
    gather(parameters);
  }

  void step(Engine& engine, double lr) override {
    advance();
    const std::span<float> weights = engine.parameters().weights();
    const std::span<float> gradients = engine.parameters().gradients();
    for (const Cohort& cohort : cohorts_) {
      for_each_piece(engine, cohort.stretches, [&](int64_t first, int64_t last, const GroupSettings& group) {
        adam_pass(weights.data() + first, gradients.data() + first, mean_.data() + first,
                  square_.data() + first, last - first, factors(cohort, lr * group.lr, group.decay));
      });
    }
  }

  void train_only(const Parameters& parameters, const Graph& graph) override {
    for (size_t i = 0; i < begun_.size(); ++i) {
      if (!graph.parameters[i].trainable) begun_[i] = -1;
      if (graph.parameters[i].trainable && begun_[i] < 0) begun_[i] = steps_;
    }
    gather(parameters);
  }

  void set_steps(int64_t steps) override {
    steps_ = steps;
    for (Cohort& cohort : cohorts_) cohort.catch_up(*this);
  }

 private:
  /// Parameters whose first step was the same. As in PyTorch, where states begin with a parameter's first
  /// gradient, the bias of those that thaw late is corrected by their own number of steps.
  struct Cohort {
    int64_t begun = 0;  // steps that had been taken before
    std::vector<Stretch> stretches;
    double beta1_power = 1, beta2_power = 1;  // beta^t

    void advance(const Adam& adam) {
      beta1_power *= adam.beta1_;
      beta2_power *= adam.beta2_;
    }
    /// By the very multiplications that the steps have done.
    void catch_up(const Adam& adam) {
      beta1_power = beta2_power = 1;
      for (int64_t step = begun; step < adam.steps_; ++step) advance(adam);
    }
  };

  void gather(const Parameters& parameters) {
    cohorts_.clear();
    for (const int64_t begun : std::set<int64_t>(begun_.begin(), begun_.end())) {
      if (begun < 0) continue;
      cohorts_.push_back(
          {begun, groups_.stretches(parameters, [&](size_t i) { return begun_[i] == begun; })});
      cohorts_.back().catch_up(*this);
    }
  }

  /// Scalars in double, each rounded once, as PyTorch does with Python's numbers.
  AdamFactors factors(const Cohort& cohort, double lr, double decay) const {
    return {
        .beta1 = static_cast<float>(beta1_),
        .one_minus_beta1 = static_cast<float>(1 - beta1_),
        .beta2 = static_cast<float>(beta2_),
        .one_minus_beta2 = static_cast<float>(1 - beta2_),
        .step_size = static_cast<float>(lr / (1 - cohort.beta1_power)),
        .root = static_cast<float>(std::sqrt(1 - cohort.beta2_power)),
        .eps = static_cast<float>(eps_),
        .coupled = decoupled_ ? 0.0f : static_cast<float>(decay),
        .shrink = decoupled_ ? static_cast<float>(1 - lr * decay) : 1.0f,
    };
  }
  void advance() {
    for (Cohort& cohort : cohorts_) cohort.advance(*this);
    ++steps_;
  }

  bool decoupled_;
  double beta1_, beta2_, eps_;
  ParameterGroups groups_;
  std::vector<int64_t> begun_;  // by parameter: steps that had been taken before its first; -1: it is frozen
  std::vector<Cohort> cohorts_;
  std::span<float> mean_, square_;
};

/// What remains to be done once the text has been understood: to make it for some parameters.
using Maker = std::function<std::unique_ptr<Optimizer>(const ParameterGroups&, Engine&, const Graph&)>;

Maker parse_optimizer(const std::string& text, const OptimizerOptions& options) {
  const Spec spec = parse_spec(text, "--optimizer");
  if (!(options.momentum >= 0 && options.momentum < 1)) throw usage_error("--momentum must be in [0, 1)");
  if (!(options.weight_decay >= 0 && std::isfinite(options.weight_decay))) {
    throw usage_error("--weight-decay must be a number that is not negative");
  }
  if (spec.name == "sgd") {
    spec.expect({"nesterov"});
    const bool nesterov = spec.flag("nesterov", false);
    if (nesterov && options.momentum == 0)
      throw usage_error("--optimizer: sgd:nesterov=true needs --momentum");
    return [=](const ParameterGroups& groups, Engine& engine, const Graph&) {
      return std::make_unique<Sgd>(nesterov, options, groups, engine.parameters());
    };
  }
  if (spec.name == "adam" || spec.name == "adamw") {
    spec.expect({"beta1", "beta2", "eps"});
    const double beta1 = spec.number("beta1", 0.9), beta2 = spec.number("beta2", 0.999);
    const double eps = spec.number("eps", 1e-8);
    if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1)) {
      throw usage_error("--optimizer: beta1 and beta2 of " + spec.name + " must be in [0, 1)");
    }
    // An eps that is zero in fp32 would make 0 / 0 of a weight that has never had a gradient.
    if (!(eps >= FLT_MIN && eps <= 1)) {
      throw usage_error("--optimizer: eps of " + spec.name + " must be in [1.2e-38, 1]");
    }
    return
        [=, decoupled = spec.name == "adamw"](const ParameterGroups& groups, Engine& engine, const Graph&) {
          return std::make_unique<Adam>(decoupled, beta1, beta2, eps, groups, engine.parameters());
        };
  }
  if (spec.name == "muon") {
    spec.expect({"momentum", "nesterov", "ns_steps", "sgd_lr", "normalize"});
    MuonOptions muon;
    muon.momentum = spec.number("momentum", muon.momentum);
    muon.nesterov = spec.flag("nesterov", muon.nesterov);
    muon.ns_steps = spec.integer("ns_steps", muon.ns_steps);
    muon.sgd_lr = spec.number("sgd_lr", muon.sgd_lr);
    muon.normalize = spec.flag("normalize", muon.normalize);
    muon.sgd_momentum = options.momentum;
    if (!(muon.momentum >= 0 && muon.momentum < 1)) {
      throw usage_error("--optimizer: momentum of muon must be in [0, 1)");
    }
    if (muon.ns_steps < 1 || muon.ns_steps > 100) {
      throw usage_error("--optimizer: ns_steps of muon must be in 1 to 100");
    }
    if (!(muon.sgd_lr >= 0 && std::isfinite(muon.sgd_lr))) {
      throw usage_error("--optimizer: sgd_lr of muon must be a factor that is not negative");
    }
    return [=](const ParameterGroups& groups, Engine& engine, const Graph& graph) {
      return make_muon(muon, groups, engine, graph);
    };
  }
  throw usage_error("--optimizer: no optimizer is called '" + spec.name +
                    "'; there are sgd, adam, adamw, muon");
}

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const std::string& spec, const OptimizerOptions& options,
                                          Engine& engine, const Graph& graph) {
  const Maker make = parse_optimizer(spec, options);
  const ParameterGroups groups(options.groups, options.decay, options.weight_decay);
  groups.check(engine.parameters().slots());
  const LookaheadOptions lookahead = parse_lookahead(options.lookahead);
  std::unique_ptr<Optimizer> optimizer = make(groups, engine, graph);
  if (lookahead.every == 0) return optimizer;
  return make_lookahead(std::move(optimizer), lookahead, engine.parameters());
}

void check_optimizer(const std::string& spec, const OptimizerOptions& options) {
  parse_optimizer(spec, options);
  [[maybe_unused]] const ParameterGroups checked(options.groups, options.decay, options.weight_decay);
  parse_lookahead(options.lookahead);
}

}  // namespace frugal

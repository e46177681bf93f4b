// Optimizers: one fused pass a step over the flat blocks of weights, gradients and states.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "nn/engine.h"

namespace frugal {

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// Changes the weights by the gradients at rate `lr`. The caller tells the engine that weights have
  /// changed.
  virtual void step(Engine& engine, double lr) = 0;
  /// From now on only what is trainable in `graph`, a variant of the one that this was made for; the rest is
  /// as if it were not there, and what joins begins with its own first step.
  virtual void train_only(const Parameters& parameters, const Graph& graph) = 0;
  /// Steps taken. Together with the states in Parameters, and with the steps at which train_only was called
  /// (to be called again after set_steps to each), this is all that a checkpoint must hold: set_steps brings
  /// back everything else, bit for bit.
  int64_t steps() const { return steps_; }
  virtual void set_steps(int64_t steps) { steps_ = steps; }

 protected:
  int64_t steps_ = 0;
};

/// What are flags of their own; the rest stands in the spec.
struct OptimizerOptions {
  double momentum = 0;
  double weight_decay = 0;
  std::string groups = "none";     // see train/groups.h
  std::string decay = "all";       // "weights": not of biases and normalisation
  std::string lookahead = "none";  // see train/lookahead.h
};

/// Rates and decay are those of the parameters' groups; groups of no parameter are a usage error.
/// "sgd", "sgd:nesterov=true", "adam:beta1=0.9,beta2=0.999,eps=1e-8", "adamw" with the same options,
/// "muon:momentum=0.95,nesterov=true,ns_steps=5,sgd_lr=1,normalize=false" (train/muon.h). Adds the
/// states that it needs to the engine's parameters, which are those of `graph`. Unknown names and values out
/// of range are usage errors.
std::unique_ptr<Optimizer> make_optimizer(const std::string& spec, const OptimizerOptions& options,
                                          Engine& engine, const Graph& graph);

/// Throws what make_optimizer would throw.
void check_optimizer(const std::string& spec, const OptimizerOptions& options);

}  // namespace frugal

#include "train/lookahead.h"

#include <utility>

#include "base/error.h"
#include "base/spec.h"
#include "base/units.h"
#include "train/chunks.h"

namespace frugal {
namespace {

class Lookahead : public Optimizer {
 public:
  Lookahead(std::unique_ptr<Optimizer> inner, const LookaheadOptions& options, Parameters& parameters)
      : inner_(std::move(inner)),
        every_(options.every),
        alpha_(static_cast<float>(options.alpha)),
        slow_(parameters.add_state()) {}

  void step(Engine& engine, double lr) override {
    const std::span<float> weights = engine.parameters().weights();
    if (steps_ == 0) std::ranges::copy(weights, slow_.begin());
    inner_->step(engine, lr);
    ++steps_;
    if (steps_ % every_ != 0) return;
    for_each_chunk(engine, static_cast<int64_t>(weights.size()), [&](int64_t, int64_t first, int64_t last) {
      pull(weights.data() + first, slow_.data() + first, last - first, alpha_);
    });
  }

  void train_only(const Parameters& parameters, const Graph& graph) override {
    inner_->train_only(parameters, graph);
  }

  void set_steps(int64_t steps) override {
    inner_->set_steps(steps);
    steps_ = steps;
  }

 private:
  static void pull(float* __restrict fast, float* __restrict slow, int64_t count, float alpha) {
    for (int64_t i = 0; i < count; ++i) {
      slow[i] += alpha * (fast[i] - slow[i]);
      fast[i] = slow[i];
    }
  }

  std::unique_ptr<Optimizer> inner_;
  int64_t every_;
  float alpha_;
  std::span<float> slow_;
};

}  // namespace

LookaheadOptions parse_lookahead(const std::string& text) {
  if (text == "none") return {};
  const Spec spec = parse_spec(text, "--lookahead");
  const int64_t every = parse_integer(spec.name, "--lookahead");
  if (every < 1) throw usage_error("--lookahead must be a number of steps from 1 on, or none");
  spec.expect({"alpha"});
  const double alpha = spec.number("alpha", 0.5);
  if (!(alpha > 0 && alpha <= 1)) throw usage_error("--lookahead: alpha must be in (0, 1]");
  return {every, alpha};
}

std::unique_ptr<Optimizer> make_lookahead(std::unique_ptr<Optimizer> inner, const LookaheadOptions& options,
                                          Parameters& parameters) {
  return std::make_unique<Lookahead>(std::move(inner), options, parameters);
}

}  // namespace frugal

#include "train/muon.h"

#include <algorithm>
#include <cmath>

#include "train/newton_schulz.h"
#include "train/optimizer_passes.h"

namespace frugal {
namespace {

/// A weight that Muon takes.
struct Matrix {
  int parameter;
  bool trained;
  int64_t offset, rows, columns;
  GroupSettings settings;
  double scale;
  NewtonSchulz orthogonalise;
  int64_t size() const { return rows * columns; }
  int64_t cost() const { return size() * std::min(rows, columns); }
};

class Muon : public Optimizer {
 public:
  Muon(const MuonOptions& options, const ParameterGroups& groups, Engine& engine, const Graph& graph)
      : options_(options),
        groups_(groups),
        chosen_(muon_parameters(graph)),
        velocity_(engine.parameters().add_state()) {
    const bool bf16 = engine.precision() == Precision::bf16;
    // On one of the engine's threads, so that the products are planned for one thread.
    engine.parallel_for(1, [&](int64_t) {
      for (const int p : chosen_) {
        const Slot& slot = engine.parameters().slots()[static_cast<size_t>(p)];
        const int64_t rows = slot.shape[0], columns = slot.size / rows;
        const bool dense = slot.shape.size() == 2;
        const double ratio = static_cast<double>(rows) / static_cast<double>(columns);
        matrices_.push_back({p, true, slot.offset, rows, columns, groups.settings(slot),
                             dense ? std::sqrt(std::max(1.0, ratio)) : 1.0,
                             NewtonSchulz(rows, columns, options.ns_steps, bf16)});
      }
    });
    // The dear ones first: a small one at the end leaves no thread waiting for long.
    std::ranges::stable_sort(matrices_, std::ranges::greater(), &Matrix::cost);
    choose(engine.parameters(), graph);
  }

  void train_only(const Parameters& parameters, const Graph& graph) override { choose(parameters, graph); }

  void step(Engine& engine, double lr) override {
    float* const weights = engine.parameters().weights().data();
    const float* const gradients = engine.parameters().gradients().data();
    const auto momentum = static_cast<float>(options_.sgd_momentum);
    for_each_piece(engine, rest_, [&](int64_t first, int64_t last, const GroupSettings& group) {
      sgd_any_pass(weights + first, gradients + first, velocity_.data() + first, last - first,
                   static_cast<float>(lr * group.lr), momentum, static_cast<float>(group.decay),
                   options_.nesterov);
    });
    engine.parallel_for(std::ssize(matrices_), [&](int64_t i) {
      Matrix& matrix = matrices_[static_cast<size_t>(i)];
      if (!matrix.trained) return;
      update(matrix, weights + matrix.offset, gradients + matrix.offset, velocity_.data() + matrix.offset,
             lr * matrix.settings.lr);
    });
    ++steps_;
  }

 private:
  void choose(const Parameters& parameters, const Graph& graph) {
    const auto trained = trainable_in(graph);
    for (Matrix& matrix : matrices_) matrix.trained = trained(static_cast<size_t>(matrix.parameter));
    rest_ = groups_.stretches(parameters, [&](size_t i) {
      return trained(i) && std::ranges::find(chosen_, static_cast<int>(i)) == chosen_.end();
    });
    for (Stretch& stretch : rest_) stretch.settings.lr *= options_.sgd_lr;
  }

  void update(Matrix& matrix, float* w, const float* g, float* m, double lr) const {
    const auto beta = static_cast<float>(options_.momentum);
    const auto rest = static_cast<float>(1 - options_.momentum);
    float* const u = matrix.orthogonalise.matrix().data();
    for (int64_t i = 0; i < matrix.size(); ++i) {
      const float mean = beta * m[i] + rest * g[i];
      m[i] = mean;
      u[i] = options_.nesterov ? beta * mean + rest * g[i] : mean;
    }
    matrix.orthogonalise.run();
    double keep = 1 - lr * matrix.settings.decay;
    if (options_.normalize) {
      const double norm = std::sqrt(sum_of_squares(w, matrix.size()));
      if (norm > 0) keep *= std::sqrt(static_cast<double>(matrix.rows)) / norm;
    }
    const auto shrink = static_cast<float>(keep), rate = static_cast<float>(lr * matrix.scale);
    for (int64_t i = 0; i < matrix.size(); ++i) w[i] = shrink * w[i] - rate * u[i];
  }

  MuonOptions options_;
  ParameterGroups groups_;
  std::vector<int> chosen_;
  std::span<float> velocity_;
  std::vector<Matrix> matrices_;
  std::vector<Stretch> rest_;
};

}  // namespace

std::vector<int> muon_parameters(const Graph& graph) {
  std::vector<const Node*> layers;
  for (const Node& node : graph.nodes) {
    if (node.kind == OpKind::conv2d || node.kind == OpKind::linear) layers.push_back(&node);
  }
  std::vector<int> chosen;
  for (size_t i = 1; i + 1 < layers.size(); ++i) {
    const int weight = layers[i]->parameters[0];
    const bool in_groups = layers[i]->kind == OpKind::conv2d && layers[i]->groups > 1;
    if (!in_groups && graph.parameters[static_cast<size_t>(weight)].trainable) chosen.push_back(weight);
  }
  return chosen;
}

std::unique_ptr<Optimizer> make_muon(const MuonOptions& options, const ParameterGroups& groups,
                                     Engine& engine, const Graph& graph) {
  return std::make_unique<Muon>(options, groups, engine, graph);
}

}  // namespace frugal

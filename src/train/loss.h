// What training minimises: a sum of losses on logits, computed by shard where the logits are, and of
// penalties on parameters, which act once a step on the flat blocks after the gradients have been reduced.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nn/engine.h"

namespace frugal {

/// torch.nn.CrossEntropyLoss: -sum_c t_c log softmax(z)_c, in double. Targets t are hard or soft; with
/// smoothing s they become (1 - s) t + s / C (Szegedy et al., "Rethinking the Inception Architecture", 2016,
/// section 7). With weights w (a number a class, or none) every -t_c log softmax(z)_c counts w_c times, and
/// what hard labels add to LossSums::weight is the label's. Logits that are not finite give a loss that is
/// not finite. A label outside the classes is an Error.
class CrossEntropy : public LogitLoss {
 public:
  explicit CrossEntropy(double smoothing = 0, std::vector<double> weights = {})
      : smoothing_(smoothing), weights_(std::move(weights)) {}
  LossSums compute(const float* logits, int64_t count, int64_t classes, const Targets& targets, float scale,
                   float* gradient) const override;

 private:
  double weight(int64_t label) const { return weights_.empty() ? 1 : weights_[static_cast<size_t>(label)]; }

  double smoothing_;
  std::vector<double> weights_;
};

/// A function of the trainable parameters, summed over every number of their flat block.
class Penalty {
 public:
  virtual ~Penalty() = default;
  /// The part of the numbers [first, last) of the block, in double; adds coefficient * derivative to
  /// `gradients`.
  virtual double apply(double coefficient, const float* weights, float* gradients, int64_t first,
                       int64_t last) const = 0;
};

/// 1/2 ||w||^2, so that `c*l2` pulls exactly as SGD's weight decay c does.
class L2Penalty : public Penalty {
 public:
  double apply(double coefficient, const float* weights, float* gradients, int64_t first,
               int64_t last) const override;
};

struct Anchor;

/// Where penalties find the weights that they pull to.
struct AnchorSources {
  std::function<Anchor()> initial;            // what the run began with by --from; null: nothing
  std::vector<std::filesystem::path> fisher;  // Loss::fisher_files, or copies of them
};

/// A parsed `--loss`.
class Loss {
 public:
  const LogitLoss& logits() const { return *logits_; }
  /// By which the mean loss weighs samples of each class; empty: all alike.
  const std::vector<double>& class_weights() const { return class_weights_; }
  bool has_penalties() const { return !penalties_.empty() || !pulls_.empty(); }
  /// It has terms that compare with the logits of a teacher.
  bool needs_teacher() const { return needs_teacher_; }
  /// It has `l2sp`: AnchorSources::initial is needed.
  bool needs_initial_weights() const;
  /// The files that `ewc` terms read. Where they name none, `by_default`, without which that is a usage
  /// error.
  std::vector<std::filesystem::path> fisher_files(const std::filesystem::path& by_default) const;
  /// From now on only the logits of `classes` count: a task of several for one network.
  void mask(std::vector<int32_t> classes);
  /// To be called once, before the first step, where weights are to be pulled anywhere.
  void anchor(const Parameters& parameters, const AnchorSources& sources);
  /// From now on penalties are of what `graph` trains; before, of all that is ever trained.
  void train_only(const Parameters& parameters, const Graph& graph);
  /// Adds the penalties' gradients to those of the engine's parameters; returns their value.
  double add_penalties(Engine& engine);

 private:
  friend Loss parse_loss(const std::string& text, const std::vector<int64_t>& class_counts);
  struct WeightedPenalty {
    double coefficient;
    std::unique_ptr<Penalty> penalty;
  };
  std::unique_ptr<LogitLoss> logits_;
  std::vector<double> class_weights_;
  /// A penalty whose anchor is not there yet.
  struct Pull {
    double coefficient;
    bool to_initial;                           // or to `files`
    std::vector<std::filesystem::path> files;  // empty: the default
  };
  static std::vector<std::filesystem::path> files_of(const Pull& pull,
                                                     const std::filesystem::path& by_default);
  bool needs_teacher_ = false;
  std::vector<Pull> pulls_;
  std::vector<WeightedPenalty> penalties_;
  std::vector<std::pair<int64_t, int64_t>> trained_;  // of the trainable block, in order; none: all of it
  std::vector<double> partial_;                       // values by chunk
};

/// `ce`, `ce:smoothing=0.1`, `focal:gamma=2`, `kd:T=4`, `dkd:T=4,alpha=1,beta=8`, `l2`, `l2sp`,
/// `ewc:from=FILE|FILE`, and sums of them with coefficients: "ce:smoothing=0.1 + 0.0001*l2". At least one
/// term must look at the logits. `ce:weights=balanced` weighs each class by images / (classes * its images),
/// `ce:weights=1|2|0.5` as given, and so do focal's; both need `class_counts`, how many training images each
/// class has, without which the text is only checked. Unknown names and bad numbers are usage errors that
/// list what is known.
Loss parse_loss(const std::string& text, const std::vector<int64_t>& class_counts = {});

}  // namespace frugal

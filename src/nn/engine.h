// The seam between training and computing, at the level of a batch. ShardEngine is the first behind it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "base/tensor_view.h"
#include "graph/graph.h"
#include "nn/parameters.h"

namespace frugal {

enum class Precision { fp32, bf16 };
enum class BatchNormMode { ghost, sync };

/// What the samples of a shard should come out as. Exactly one of `labels` and `soft` is set.
struct Targets {
  const int32_t* labels = nullptr;  // [count]
  const float* soft = nullptr;      // [count, classes], rows sum to one
  const float* teacher = nullptr;   // [count, classes] logits, or null
};

/// One batch. Both functions are called from several threads at once, on disjoint ranges of samples.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual int64_t size() const = 0;
  /// What the sum of losses is divided by: the samples' number, or the sum of their weights.
  virtual double weight() const { return static_cast<double>(size()); }
  /// Writes samples [first, first + images.shape[0]) of the batch, augmented and normalised, in `images`'
  /// type (f32 or bf16) and strides, [n, H, W, C].
  virtual void fill(int64_t first, const TensorView& images) = 0;
  /// Targets from sample `first` on; valid until the batch ends.
  virtual Targets targets(int64_t first) const = 0;
};

/// Sums over samples (not means), in double so that their order costs nothing; top-k counts under hard labels
/// (the largest probability under soft ones). `weight`: what the mean loss divides by, the samples' number
/// unless classes are weighted.
struct LossSums {
  double loss = 0;
  int64_t top1 = 0, top3 = 0, top5 = 0, samples = 0;
  double weight = 0;
  LossSums& operator+=(const LossSums& other) {
    loss += other.loss, weight += other.weight;
    top1 += other.top1, top3 += other.top3, top5 += other.top5, samples += other.samples;
    return *this;
  }
};

/// A loss on logits. Stateless: called from several threads at once. Implemented in `train`.
class LogitLoss {
 public:
  virtual ~LogitLoss() = default;
  /// logits: [count, classes], dense. Writes scale * d(sum of losses)/d(logits) to `gradient` (same layout)
  /// unless it is null; scale is 1 / BatchSource::weight() for the usual mean. Returns the sums over the
  /// shard.
  virtual LossSums compute(const float* logits, int64_t count, int64_t classes, const Targets& targets,
                           float scale, float* gradient) const = 0;
};

/// Which random numbers a step draws: dropout is keyed by (seed, node, epoch, first_draw + sample, element).
struct StepKey {
  uint64_t seed = 0;
  uint32_t epoch = 0;
  uint32_t first_draw = 0;  // position of the batch's first sample in the epoch's order
};

/// Called with each finished shard of an evaluation, from several threads at once: samples
/// [first, first + count), logits [count, classes].
using LogitSink = std::function<void(int64_t first, int64_t count, const float* logits)>;

/// Processor time that a node of the graph, with what is fused to it, has taken in training steps, summed
/// over shards and threads.
struct NodeTime {
  double forward = 0, backward = 0;  // seconds
};

/// Trains and evaluates one graph, batch by batch. Not thread-safe: one caller.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual Parameters& parameters() = 0;
  /// Forward, loss, backward. Leaves the gradients of the mean loss in parameters().gradients() (all of them
  /// overwritten) and updates running statistics; weights stay as they are.
  virtual LossSums train_step(BatchSource& batch, const LogitLoss& loss, const StepKey& key) = 0;
  /// Forward in evaluation mode (running statistics, no dropout).
  virtual void evaluate(BatchSource& batch, const LogitSink& sink) = 0;
  /// Training steps from now on run `graph`: the engine's own for another size of image, with other
  /// parameters frozen, or only what of it follows a value. Its parameters must be the same in number and
  /// shape; an Error says which is not.
  virtual void train_at(const Graph& graph) = 0;
  /// The same for evaluation.
  virtual void evaluate_at(const Graph& graph) = 0;
  /// To be called after anything has written to the weights.
  virtual void weights_changed() = 0;
  /// Runs task(0) ... task(tasks - 1) on the engine's threads. The first exception is rethrown here.
  virtual void parallel_for(int64_t tasks, FunctionRef<void(int64_t)> task) = 0;
  virtual int threads() const = 0;
  virtual int64_t classes() const = 0;
  virtual int64_t shard() const = 0;        // as resolved
  virtual Precision precision() const = 0;  // as resolved
  /// Held for activations, their gradients and scratch, by all threads: grows to what the largest batch
  /// needs.
  virtual int64_t activation_bytes() const = 0;
  /// Where training steps from now on add their times, by node; null: nowhere.
  virtual void profile(std::vector<NodeTime>* /*times*/) {}
};

struct EngineOptions {
  int threads = 0;      // 0: affinity and cgroup quota
  int64_t batch = 128;  // the size that `shard = 0` is resolved for
  int64_t shard = 0;    // 0: from batch alone
  Precision precision = Precision::fp32;
  BatchNormMode batch_norm = BatchNormMode::ghost;
};

/// The CPU engine: shards on worker threads, oneDNN for matrix work, our own kernels for the rest.
std::unique_ptr<Engine> make_shard_engine(const Graph& graph, const EngineOptions& options);

/// What the machine offers, for the first lines of a run and for defaults.
struct MachineInfo {
  std::string processor;        // "Intel(R) Xeon(R) Processor"
  std::string instruction_set;  // "AMX bf16", "AVX-512", ...
  bool bf16 = false;            // has AMX or AVX512-BF16
  int threads = 1;              // from affinity and cgroup quota
  std::string onednn;           // "2.6.3"
};
MachineInfo machine_info();

/// "auto" is bf16 where the processor has it. "bf16" without it, and any other word than these and "fp32", is
/// a usage error.
Precision choose_precision(const std::string& asked);

/// Any other word than "ghost" and "sync" is a usage error.
BatchNormMode choose_batch_norm(const std::string& asked);

}  // namespace frugal

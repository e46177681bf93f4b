// The CPU engine. A step is a list of segments, each run shard by shard on the workers, with the tree
// combining behind them; then the weight gradients that need the whole batch.

#include <algorithm>
#include <ctime>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "base/memory.h"
#include "base/units.h"
#include "nn/batch_gradient.h"
#include "nn/block.h"
#include "nn/engine.h"
#include "nn/memory_error.h"
#include "nn/program.h"
#include "nn/tree.h"
#include "nn/workers.h"

namespace frugal {
namespace {

/// How a batch of one size is cut, and everything made for that size.
struct BatchPlan {
  std::vector<int64_t> first;            // of each shard; behind them the size of the batch
  std::vector<const Program*> programs;  // of each shard
  std::vector<BatchGradient> gradients;
  std::vector<std::pair<size_t, int64_t>> tiles;  // (gradient, tile)
  std::vector<int> packings;
  std::unique_ptr<ReductionTree> tree;
  int64_t arena_bytes = 0;         // of each worker
  int64_t batch_sample_bytes = 0;  // of the batch's arena
  int64_t shards() const { return static_cast<int64_t>(programs.size()); }
};

/// The default shard: small enough for a core's cache and for at least two shards a batch.
int64_t resolve_shard(const EngineOptions& options) {
  if (options.shard < 0 || options.batch < 1) throw usage_error("--batch and --shard must be positive");
  if (options.shard > 0) return options.shard;
  constexpr int64_t preferred = 32;
  return std::clamp<int64_t>((options.batch + 1) / 2, 1, preferred);
}

void require_same_parameters(const Graph& own, const Graph& other) {
  if (own.parameters.size() != other.parameters.size() || own.buffers.size() != other.buffers.size()) {
    throw usage_error("--resize: " + own.model + " is another network at another image size");
  }
  for (size_t p = 0; p < own.parameters.size(); ++p) {
    if (own.parameters[p].shape == other.parameters[p].shape) continue;
    throw usage_error("--resize: at " + std::to_string(other.input.h) + " x " +
                      std::to_string(other.input.w) + " pixels " + own.parameters[p].name + " of " +
                      own.model +
                      " has another shape; only networks that pool over the whole image take any size");
  }
}

/// Two graphs of one engine that are run alike.
bool same_variant(const Graph& a, const Graph& b) {
  const auto trained = [](const ParameterSpec& p, const ParameterSpec& q) {
    return p.trainable == q.trainable;
  };
  const auto fixed = [](const Node& m, const Node& n) {
    return m.kind == n.kind && m.fixed_statistics == n.fixed_statistics && m.rate == n.rate && m.out == n.out;
  };
  return std::ranges::equal(a.parameters, b.parameters, trained) &&
         std::ranges::equal(a.nodes, b.nodes, fixed);
}

class ShardEngine : public Engine {
 public:
  ShardEngine(const Graph& graph, const EngineOptions& options)
      : graph_(graph),
        shard_(resolve_shard(options)),
        bf16_(options.precision == Precision::bf16),
        sync_(options.batch_norm == BatchNormMode::sync),
        parameters_(graph_),
        packed_(parameters_),
        workers_(options.threads > 0 ? options.threads : machine_info().threads),
        arenas_(static_cast<size_t>(workers_.count())) {
    add_variant(graph_);
  }

  void train_at(const Graph& graph) override { trained_ = variant_of(graph); }
  void evaluate_at(const Graph& graph) override { evaluated_ = variant_of(graph); }

  Parameters& parameters() override { return parameters_; }
  int threads() const override { return workers_.count(); }
  int64_t classes() const override { return graph_.classes; }
  int64_t shard() const override { return shard_; }
  Precision precision() const override { return bf16_ ? Precision::bf16 : Precision::fp32; }
  void weights_changed() override { packed_.mark_stale(); }
  void parallel_for(int64_t tasks, FunctionRef<void(int64_t)> task) override {
    workers_.run(tasks, [&](int, int64_t i) { task(i); });
  }

  int64_t activation_bytes() const override {
    int64_t bytes = batch_arena_.size();
    for (const Block& block : arenas_) bytes += block.size();
    return bytes;
  }
  void profile(std::vector<NodeTime>* times) override {
    profile_ = times;
    if (times) times->assign(graph_.nodes.size(), {});
  }

  LossSums train_step(BatchSource& batch, const LogitLoss& loss, const StepKey& key) override {
    BatchPlan& plan = prepare(batch, true);
    context_.loss = &loss;
    context_.sink = nullptr;
    context_.key = key;
    partials().prepare(plan.first);
    run_segments(plan);
    workers_.run(static_cast<int64_t>(plan.tiles.size()), [&](int worker, int64_t i) {
      const auto& [gradient, tile] = plan.tiles[static_cast<size_t>(i)];
      const double begin = profile_ ? thread_seconds() : 0;
      plan.gradients[gradient].run(tile, context_, parameters_, worker, arena(worker));
      if (profile_) {
        note_time(plan.programs[0]->deferred()[gradient].node, true, thread_seconds() - begin);
      }
    });
    update_running_statistics();
    clear_gradients_of_none();
    return partials().loss(0);
  }

  void evaluate(BatchSource& batch, const LogitSink& sink) override {
    BatchPlan& plan = prepare(batch, false);
    context_.loss = nullptr;
    context_.sink = &sink;
    run_segments(plan);
  }

 private:
  struct Norm {
    const Node* node;
    int index;
  };
  /// One of the graphs that the parameters are used by.
  struct Variant {
    const Graph* graph;
    std::vector<Norm> norms;  // whose running statistics follow the batches
    ParameterRoles roles;
    std::unique_ptr<Partials> partials;
  };
  /// Of which variant, of how many samples, for training or not.
  using Key = std::tuple<size_t, int64_t, bool>;

  size_t variant_of(const Graph& graph) {
    require_same_parameters(graph_, graph);
    const auto known =
        std::ranges::find_if(variants_, [&](const Variant& v) { return same_variant(*v.graph, graph); });
    const auto index = static_cast<size_t>(known - variants_.begin());
    if (known == variants_.end()) {
      other_graphs_.push_back(std::make_unique<Graph>(graph));
      add_variant(*other_graphs_.back());
    }
    return index;
  }
  void add_variant(const Graph& graph) {
    ParameterRoles roles = parameter_roles(graph);
    auto partials = std::make_unique<Partials>(graph, parameters_, roles.in_shards);
    variants_.push_back({&graph, norms_of(graph), std::move(roles), std::move(partials)});
  }
  Partials& partials() { return *variants_[trained_].partials; }

  static std::vector<Norm> norms_of(const Graph& graph) {
    std::vector<Norm> norms;
    int index = 0;
    for (const Node& node : graph.nodes) {
      if (node.kind != OpKind::batch_norm) continue;
      if (!node.fixed_statistics) norms.push_back({&node, index});
      ++index;
    }
    return norms;
  }

  std::byte* arena(int worker) { return arenas_[static_cast<size_t>(worker)].data(); }

  size_t variant(bool training) const { return training ? trained_ : evaluated_; }

  const Program& program(int64_t shard, bool training) {
    std::unique_ptr<Program>& slot = programs_[{variant(training), shard, training}];
    if (!slot) {
      slot = std::make_unique<Program>(*variants_[variant(training)].graph, parameters_, packed_,
                                       workers_.count(), shard, training, bf16_, sync_);
    }
    return *slot;
  }

  BatchPlan& plan_for(int64_t batch, bool training) {
    std::unique_ptr<BatchPlan>& slot = plans_[{variant(training), batch, training}];
    if (slot) return *slot;
    auto plan = std::make_unique<BatchPlan>();
    // Planning creates primitives; as one task of the workers it runs with their settings.
    workers_.run(1, [&](int, int64_t) {
      const int64_t shards = (batch + shard_ - 1) / shard_;
      for (int64_t i = 0; i < shards; ++i) {
        plan->first.push_back(batch / shards * i + std::min(i, batch % shards));
      }
      plan->first.push_back(batch);
      for (size_t i = 0; i + 1 < plan->first.size(); ++i) {
        const Program& p = program(plan->first[i + 1] - plan->first[i], training);
        plan->programs.push_back(&p);
        plan->arena_bytes = std::max(plan->arena_bytes, p.arenas().worker_bytes);
        plan->batch_sample_bytes = p.arenas().batch_sample_bytes;
        for (int packing : p.packings()) {
          if (std::ranges::find(plan->packings, packing) == plan->packings.end())
            plan->packings.push_back(packing);
        }
      }
      for (const DeferredGradient& deferred : plan->programs[0]->deferred()) {
        const std::vector<BufferPlan>& buffers = plan->programs[0]->buffers();
        plan->gradients.emplace_back(deferred, buffers[static_cast<size_t>(deferred.x)],
                                     buffers[static_cast<size_t>(deferred.dy)], batch, bf16_,
                                     workers_.count());
        plan->arena_bytes = std::max(plan->arena_bytes, plan->gradients.back().scratch_bytes());
        for (int64_t tile = 0; tile < plan->gradients.back().tiles(); ++tile) {
          plan->tiles.emplace_back(plan->gradients.size() - 1, tile);
        }
      }
    });
    plan->tree = std::make_unique<ReductionTree>(plan->shards());
    slot = std::move(plan);
    return *slot;
  }

  /// Asks the system only where there is not room enough yet.
  void require_memory(const BatchPlan& plan, int64_t batch, bool training) {
    const auto growth = [](double wanted, const Block& block) {
      return std::max(0.0, wanted - static_cast<double>(block.size()));
    };
    // In double: what a file or a flag asks for may overflow.
    const auto samples = static_cast<double>(batch);
    double bytes = growth(static_cast<double>(plan.batch_sample_bytes) * samples, batch_arena_);
    for (const Block& block : arenas_) bytes += growth(static_cast<double>(plan.arena_bytes), block);
    if (training) bytes += static_cast<double>(partials().missing_bytes(plan.shards()));
    if (bytes == 0) return;
    const int64_t available = available_memory();
    if (bytes <= static_cast<double>(available)) return;
    const char* advice = !training ? "fewer --threads take less"
                         : sync_   ? "a smaller --batch, fewer --threads or --batch-norm ghost take less"
                                   : "a smaller --batch or fewer --threads take less";
    throw MemoryError(graph_.model + ": " + (training ? "a step of " : "evaluating ") +
                      with_thousands(batch) + " images needs " +
                      human_bytes(static_cast<int64_t>(std::min(bytes, 0x1p62))) + " more, and " +
                      human_bytes(available) + " of memory are free; " + advice);
  }

  /// Room, fresh weights, and the parts of the context that the batch decides.
  BatchPlan& prepare(BatchSource& batch, bool training) {
    if (batch.size() < 1) throw Error("a batch needs at least one sample");
    BatchPlan& plan = plan_for(batch.size(), training);
    require_memory(plan, batch.size(), training);
    for (Block& block : arenas_) block.reserve(plan.arena_bytes);
    context_.batch_arena = batch_arena_.reserve(plan.batch_sample_bytes * batch.size());
    context_.source = &batch;
    context_.batch = batch.size();
    context_.weight = batch.weight();
    context_.partials = &partials();
    stale_.clear();
    for (int packing : plan.packings) {
      if (!packed_.stale(packing)) continue;
      for (int piece = 0; piece < packed_.pieces(packing); ++piece) stale_.emplace_back(packing, piece);
    }
    if (!stale_.empty()) {
      workers_.run(static_cast<int64_t>(stale_.size()), [&](int, int64_t i) {
        const auto& [packing, piece] = stale_[static_cast<size_t>(i)];
        packed_.pack(packing, piece);
      });
      for (const auto& [packing, piece] : stale_) packed_.mark_fresh(packing);
    }
    return plan;
  }

  void run_segments(BatchPlan& plan) {
    try {
      run_all_segments(plan);
    } catch (...) {
      plan.tree = std::make_unique<ReductionTree>(plan.shards());  // it counts who has arrived
      throw;
    }
  }

  void run_all_segments(const BatchPlan& plan) {
    for (size_t s = 0; s < plan.programs[0]->segments().size(); ++s) {
      workers_.run(plan.shards(), [&](int worker, int64_t i) {
        const Program& program = *plan.programs[static_cast<size_t>(i)];
        const Segment& segment = program.segments()[s];
        const int64_t first = plan.first[static_cast<size_t>(i)];
        const ShardRun run{
            context_, program.buffers(), i, first, plan.first[static_cast<size_t>(i) + 1] - first,
            worker,   arena(worker)};
        for (const Segment::Call& call : segment.calls) {
          const double begin = profile_ ? thread_seconds() : 0;
          (call.op->*call.run)(run);
          if (profile_) note_time(call.node, call.backward, thread_seconds() - begin);
        }
        plan.tree->arrive(i, [&](int64_t left, int64_t right, int64_t end) {
          partials().combine(segment.reductions, left, right, end);
        });
      });
    }
  }

  static double thread_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  }
  void note_time(int node, bool backward, double seconds) {
    const std::lock_guard lock(profile_mutex_);
    NodeTime& time = (*profile_)[static_cast<size_t>(node)];
    (backward ? time.backward : time.forward) += seconds;
  }

  /// What has no gradient: a bias before batch-norm, though penalties may have added one to it since the last
  /// step, and what is not trained, though batch-norm's backward needs the sums that would be its gradient.
  void clear_gradients_of_none() {
    const std::vector<bool>& has_gradient = variants_[trained_].roles.has_gradient;
    for (size_t p = 0; p < has_gradient.size(); ++p) {
      if (!has_gradient[p]) std::ranges::fill(parameters_.gradient(static_cast<int>(p)), 0.0f);
    }
  }

  /// torch.nn.BatchNorm2d: momentum towards the batch's mean and its unbiased variance, once a step in both
  /// modes.
  void update_running_statistics() {
    const std::vector<Norm>& norms = variants_[trained_].norms;
    for (const auto& [node, index] : norms) {
      const int64_t rows = context_.batch * node->in.h * node->in.w;
      if (rows < 2) continue;  // a last batch of one image tells nothing of a variance
      const float unbiased = 1.0f / static_cast<float>(rows - 1);
      const std::span<float> mean = parameters_.buffer(node->buffers[0]);
      const std::span<float> variance = parameters_.buffer(node->buffers[1]);
      const float* batch_mean = partials().mean(0, index);
      const float* batch_m2 = partials().m2(0, index);
      for (size_t c = 0; c < mean.size(); ++c) {
        mean[c] += node->momentum * (batch_mean[c] - mean[c]);
        variance[c] += node->momentum * (batch_m2[c] * unbiased - variance[c]);
      }
    }
    if (!norms.empty()) ++parameters_.batches_tracked;
  }

  Graph graph_;
  int64_t shard_;
  bool bf16_, sync_;
  Parameters parameters_;
  PackedWeights packed_;
  Workers workers_;
  std::vector<std::unique_ptr<Graph>> other_graphs_;
  std::vector<Variant> variants_;       // the first is the engine's own
  size_t trained_ = 0, evaluated_ = 0;  // which of them
  std::map<Key, std::unique_ptr<Program>> programs_;
  std::map<Key, std::unique_ptr<BatchPlan>> plans_;
  StepContext context_;
  std::vector<Block> arenas_;  // by worker
  Block batch_arena_;
  std::vector<NodeTime>* profile_ = nullptr;
  std::mutex profile_mutex_;
  std::vector<std::pair<int, int>> stale_;  // (packing, piece)
};

}  // namespace

std::unique_ptr<Engine> make_shard_engine(const Graph& graph, const EngineOptions& options) {
  if (options.precision == Precision::bf16) choose_precision("bf16");  // throws where there is none
  // Most systems promise memory that they do not have, and kill who comes for it. This much is taken whatever
  // the batch.
  const int64_t count = graph.parameter_count(), bytes = 2 * count * int64_t{sizeof(float)};
  if (const int64_t available = available_memory(); bytes > available) {
    throw MemoryError(graph.model + " has " + with_thousands(count) +
                      " parameters: with their gradients they take " + human_bytes(bytes) +
                      " of memory, and " + human_bytes(available) + " are free");
  }
  return std::make_unique<ShardEngine>(graph, options);
}

}  // namespace frugal

#include "nn/profile.h"

#include <algorithm>

#include "base/philox.h"
#include "nn/fusion.h"
#include "nn/peaks.h"

namespace frugal {
namespace {

/// Noise, the same each time.
class NoiseBatch : public BatchSource {
 public:
  explicit NoiseBatch(int64_t size) : size_(size), labels_(static_cast<size_t>(size)) {}
  int64_t size() const override { return size_; }
  void fill(int64_t first, const TensorView& images) override {
    const int64_t elements = images.elements() / images.shape[0];
    const RandomStream random(1, Purpose::test);
    for (int64_t n = 0; n < images.shape[0]; ++n) {
      for (int64_t i = 0; i < elements; i += 4) {
        const auto words = random.block(static_cast<uint32_t>(first + n), static_cast<uint32_t>(i / 4));
        for (int64_t j = 0; j < std::min<int64_t>(4, elements - i); ++j) {
          const float value = uniform01(words[static_cast<size_t>(j)]);
          char* to = static_cast<char*>(images.at(n)) + (i + j) * size_of(images.type);
          if (images.type == DType::bf16) {
            *reinterpret_cast<uint16_t*>(to) = to_bf16(value);
          } else {
            *reinterpret_cast<float*>(to) = value;
          }
        }
      }
    }
  }
  Targets targets(int64_t first) const override { return {.labels = labels_.data() + first}; }

 private:
  int64_t size_;
  std::vector<int32_t> labels_;
};

/// Half the squares of the logits: any loss with gradients of usual size will do.
class SquaresLoss : public LogitLoss {
 public:
  LossSums compute(const float* logits, int64_t count, int64_t classes, const Targets&, float scale,
                   float* gradient) const override {
    LossSums sums;
    sums.samples = count;
    for (int64_t i = 0; i < count * classes; ++i) {
      sums.loss += 0.5 * static_cast<double>(logits[i]) * logits[i];
      if (gradient) gradient[i] = scale * logits[i];
    }
    return sums;
  }
};

std::vector<int> nodes_of(const Group& group) {
  if (group.kind != GroupKind::chain) return {group.node};
  std::vector<int> nodes;
  const ChainNodes& c = group.chain;
  for (int node : {c.norm, c.scale, c.drop_path, c.add, c.activation, c.dropout, c.pool}) {
    if (node >= 0) nodes.push_back(node);
  }
  return nodes;
}

/// Forward reads inputs and weights and writes the output. Backward reads the output's gradient, and inputs
/// where there are weights or statistics; it writes the weights' gradients and those of the inputs that want
/// one (`learns`, by node), each of which takes the forward pass's arithmetic again.
NodeTime bound_of(const Graph& graph, const Group& group, const std::vector<bool>& learns, int64_t batch,
                  bool bf16, const Peaks& peaks) {
  const Node& node = graph.nodes[static_cast<size_t>(group.node)];
  const double element = bf16 ? 2 : 4, images = static_cast<double>(batch);
  double inputs = 0, wanted = 0, weights = 0;
  for (int i : group.inputs) {
    const auto elements = static_cast<double>(graph.nodes[static_cast<size_t>(i)].out.elements());
    inputs += elements;
    if (learns[static_cast<size_t>(i)]) wanted += elements;
  }
  for (int p : group.parameters) {
    weights += static_cast<double>(graph.parameters[static_cast<size_t>(p)].elements());
  }
  const double out = static_cast<double>(graph.nodes[static_cast<size_t>(group.last)].out.elements());
  const auto bound = [&](int passes, double bytes) {
    const double operations = passes * 2.0 * static_cast<double>(node.macs()) * images;
    return std::max(operations / peaks.flops, bytes / peaks.bytes_per_second);
  };
  const double forward = bound(1, element * images * (inputs + out) + element * weights);
  if (!group.learns) return {forward, 0};
  const double reread = weights > 0 ? inputs : 0;
  return {forward, bound((weights > 0 ? 1 : 0) + (wanted > 0 ? 1 : 0),
                         element * images * (out + reread + wanted) + 4 * weights)};
}

}  // namespace

std::vector<ProfileRow> profile_training(const Graph& graph, EngineOptions options, int steps) {
  options.threads = 1;
  const Peaks peaks = measure_peaks(options.precision);
  const auto engine = make_shard_engine(graph, options);
  engine->parameters().initialise(1);
  NoiseBatch batch(options.batch);
  const SquaresLoss loss;
  std::vector<NodeTime> times;
  for (int step = -2; step < steps; ++step) {
    if (step == 0) engine->profile(&times);
    engine->train_step(batch, loss, {});
  }
  engine->profile(nullptr);
  std::vector<ProfileRow> rows;
  std::vector<bool> learns(graph.nodes.size(), false);
  for (const Group& group : fuse(graph)) {
    learns[static_cast<size_t>(group.last)] = group.learns;
    if (group.kind == GroupKind::alias) continue;
    const NodeTime& sum = times[static_cast<size_t>(group.node)];
    rows.push_back(
        {nodes_of(group),
         {sum.forward / steps, sum.backward / steps},
         bound_of(graph, group, learns, options.batch, options.precision == Precision::bf16, peaks)});
  }
  return rows;
}

}  // namespace frugal

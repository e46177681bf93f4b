#include "nn/kernels/chain.h"

#include <algorithm>
#include <cmath>

#include "base/philox.h"
#include "nn/kernels/dropout.h"
#include "nn/kernels/moments.h"
#include "nn/kernels/pointwise.h"
#include "nn/ops/ops.h"
#include "nn/ops/samples.h"

namespace frugal {
namespace {

/// Batch-norm (or scale), drop-path, addition, activation, dropout and pooling in one pass each way;
/// statistics and their gradients in one more. Ghost and sync differ only in whose statistics a shard reads:
/// its own, or the tree's sum in shard 0's place. The kernels of a chain with pooling are in kernels/chain.h,
/// of one without in kernels/pointwise.h.
class ChainOp : public Op {
 public:
  ChainOp(const OpContext& context, const ChainNodes& nodes, std::span<const ValueBuffers> in,
          const ValueBuffers& out)
      : in_(in[0]),
        out_(out),
        parameters_(context.parameters),
        norm_index_(nodes.norm_index),
        training_(context.training),
        bf16_(context.bf16),
        sync_(context.sync) {
    const auto node = [&](int i) -> const Node& { return context.graph.nodes[static_cast<size_t>(i)]; };
    if (nodes.add >= 0) addend_ = in[1];
    pool_ = {.h = in_.shape.h, .w = in_.shape.w, .c = in_.shape.c};
    pool_.relu = nodes.activation >= 0 && node(nodes.activation).is_relu();
    active_ = nodes.activation >= 0;
    if (active_) activation_ = node(nodes.activation).activation, alpha_ = node(nodes.activation).alpha;
    if (nodes.norm >= 0) {
      plan_norm(node(nodes.norm));
    } else if (nodes.scale >= 0 && node(nodes.scale).kind == OpKind::batch_norm) {
      plan_norm(node(nodes.scale));
      if (training_ && context.trains(gamma_)) scale_weight_ = gamma_;
      if (training_ && context.trains(beta_)) scale_bias_ = beta_;
    } else if (nodes.scale >= 0) {
      plan_scale(node(nodes.scale), context);
    }
    if (nodes.norm >= 0 || nodes.scale >= 0)
      coefficients_ = context.add_scratch(0, rows_of_scratch * row_bytes());
    if (nodes.pool >= 0) pool_.pool = node(nodes.pool).kernel.h;
    if (!training_) return;
    if (pool_.pool > 1) winner_ = context.add_saved(out.shape.elements());
    if (nodes.dropout >= 0) {
      dropout_ = node(nodes.dropout).key;
      rate_ = DropoutRate(node(nodes.dropout).rate);
      pool_.keep_scale = rate_.keep_scale;
      keep_ = context.add_scratch(0, keep_bytes(in_.shape.elements()));
    }
    if (nodes.drop_path >= 0) {
      drop_path_ = node(nodes.drop_path).key;
      path_rate_ = DropoutRate(node(nodes.drop_path).rate);
    }
    tells_by_output_ = pool_.relu && chain_needs(context.graph, nodes).output;
  }

  void forward_statistics(const ShardRun& run) const override {
    Partials& partials = *run.step.partials;
    with_type(bf16_, [&](auto type) {
      channel_moments(run.at<decltype(type)>(in_.data), run.count * positions(), pool_.c,
                      partials.mean(run.shard, norm_index_), partials.m2(run.shard, norm_index_));
    });
  }

  void forward(const ShardRun& run) const override {
    const Affine affine = affine_of(run);
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      if (pool_.pool == 1) {
        for_pieces<T>(run, affine, false, [&](const Pointwise<T>& p, int64_t first) {
          pointwise_forward(p, data_of<T>(run, out_, first));
        });
        return;
      }
      for (int64_t i = 0; i < run.count; ++i) {
        chain_forward(pool_, data_of<T>(run, in_, i), affine.scale, affine.shift, draw_keep(run, i),
                      data_of<T>(run, out_, i), winners(run, i));
      }
    });
  }

  void backward_statistics(const ShardRun& run) const override {
    Partials& partials = *run.step.partials;
    float* sum_gx = partials.gradient(run.shard, gamma_);
    sum_gradients(run, partials.mean(source(run), norm_index_), partials.gradient(run.shard, beta_), sum_gx);
    for (int64_t c = 0; c < pool_.c; ++c) sum_gx[c] *= inverse_deviation(run, c);
  }

  /// dx = gamma / deviation * (g - mean(g) - xhat * mean(g * xhat)); Ioffe & Szegedy 2015, section 3.
  void backward(const ShardRun& run) const override {
    if (scale_weight_ >= 0 || scale_bias_ >= 0) scale_gradients(run);
    const bool main_done = in_.gradient == out_.gradient && !in_.accumulate && !active_ && dropout_ < 0;
    const bool addend_done =
        addend_.gradient == out_.gradient && !addend_.accumulate && !active_ && dropout_ < 0;
    const bool write_main = in_.gradient >= 0 && !main_done;
    const bool write_addend = addend_.gradient >= 0 && !addend_done;
    if (!write_main && !write_addend) return;
    float *a = nullptr, *b = nullptr, *offset = nullptr;
    const float* mean = nullptr;
    if (normalises()) {
      Partials& partials = *run.step.partials;
      a = scratch(run, first_row), b = scratch(run, second_row), offset = scratch(run, third_row);
      mean = partials.mean(source(run), norm_index_);
      const float* gamma = parameters_.weight(gamma_).data();
      const float* sum_g = partials.gradient(source(run), beta_);
      const float* sum_gxhat = partials.gradient(source(run), gamma_);
      const float per_row = 1.0f / static_cast<float>(rows(run));
      for (int64_t c = 0; c < pool_.c; ++c) {
        const float inverse = inverse_deviation(run, c);
        a[c] = gamma[c] * inverse;
        b[c] = -a[c] * inverse * sum_gxhat[c] * per_row;
        offset[c] = -a[c] * sum_g[c] * per_row;
      }
    }
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      if (pool_.pool == 1) {
        const Affine affine = normalises() && (!active_ || tells_by_output_) ? Affine{} : affine_of(run);
        for_pieces<T>(run, affine, true, [&](const Pointwise<T>& p, int64_t first) {
          PointwiseTargets<T> targets{
              .a = normalises() ? a : affine.scale, .b = b, .mean = mean, .offset = offset};
          if (write_main) targets.dx = gradient_of<T>(run, in_, first);
          if (write_addend) targets.daddend = gradient_of<T>(run, addend_, first);
          targets.add_dx = in_.accumulate, targets.add_daddend = addend_.accumulate;
          pointwise_backward_input(p, gradient_from<T>(run, first), targets);
        });
        return;
      }
      for (int64_t i = 0; i < run.count; ++i) {
        chain_backward_input(pool_, data_of<T>(run, in_, i), gradient_of<T>(run, out_, i), winners(run, i), a,
                             b, mean, offset, in_.accumulate, gradient_of<T>(run, in_, i));
      }
    });
  }

 private:
  struct Affine {
    const float *scale = nullptr, *shift = nullptr;
  };

  /// By the statistics of the batch, in training.
  bool normalises() const { return norm_index_ >= 0; }
  bool is_norm() const { return gamma_ >= 0; }
  int64_t positions() const { return pool_.h * pool_.w; }
  int64_t row() const { return (pool_.c + 15) / 16 * 16; }
  int64_t row_bytes() const { return row() * static_cast<int64_t>(sizeof(float)); }
  /// Whose statistics this shard normalises with, and over how many rows they were taken.
  int64_t source(const ShardRun& run) const { return sync_ ? 0 : run.shard; }
  int64_t rows(const ShardRun& run) const { return (sync_ ? run.step.batch : run.count) * positions(); }
  float inverse_deviation(const ShardRun& run, int64_t c) const {
    const float m2 = run.step.partials->m2(source(run), norm_index_)[c];
    return 1.0f / std::sqrt(m2 / static_cast<float>(rows(run)) + eps_);
  }

  float running_inverse(int64_t c) const {
    return 1.0f / std::sqrt(parameters_.buffer(running_var_)[static_cast<size_t>(c)] + eps_);
  }

  void plan_norm(const Node& norm) {
    gamma_ = norm.parameters[0], beta_ = norm.parameters[1];
    running_mean_ = norm.buffers[0], running_var_ = norm.buffers[1];
    eps_ = norm.eps;
  }

  void plan_scale(const Node& scale, const OpContext& context) {
    factor_ = scale.factor;
    for (int p : scale.parameters) {
      const bool bias = scale.bias && p == scale.parameters.back();
      (bias ? scale_bias_data_ : scale_weight_data_) = context.parameters.weight(p).data();
      if (training_ && context.trains(p)) {
        (bias ? scale_bias_ : scale_weight_) = p;
      }
    }
  }

  /// The scratch rows: three for what backward() and scale_gradients() make, two for affine_of().
  enum Row { first_row = 0, second_row, third_row, scale_row, shift_row, rows_of_scratch };
  float* scratch(const ShardRun& run, Row which) const {
    return run.at<float>(coefficients_) + which * row();
  }

  /// What the affine step multiplies by and adds.
  Affine affine_of(const ShardRun& run) const {
    if (coefficients_ < 0) return {};
    float *scale = scratch(run, scale_row), *shift = scratch(run, shift_row);
    if (!is_norm()) {
      for (int64_t c = 0; c < pool_.c; ++c) {
        scale[c] = scale_weight_data_ ? factor_ * scale_weight_data_[c] : factor_;
        shift[c] = scale_bias_data_ ? scale_bias_data_[c] : 0.0f;
      }
      return {scale, shift};
    }
    const float* gamma = parameters_.weight(gamma_).data();
    const float* beta = parameters_.weight(beta_).data();
    const bool of_batch = training_ && normalises();
    const float* mean = of_batch ? run.step.partials->mean(source(run), norm_index_)
                                 : parameters_.buffer(running_mean_).data();
    for (int64_t c = 0; c < pool_.c; ++c) {
      const float inverse = of_batch ? inverse_deviation(run, c) : running_inverse(c);
      scale[c] = gamma[c] * inverse;
      shift[c] = beta[c] - mean[c] * scale[c];
    }
    return {scale, shift};
  }

  /// Sums of g and of g * (x - mean) over the shard.
  void sum_gradients(const ShardRun& run, const float* mean, float* sum_g, float* sum_gx) const {
    std::fill_n(sum_g, pool_.c, 0.0f);
    std::fill_n(sum_gx, pool_.c, 0.0f);
    const Affine affine = !active_ || tells_by_output_ ? Affine{} : affine_of(run);
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      if (pool_.pool == 1) {
        for_pieces<T>(run, affine, true, [&](const Pointwise<T>& p, int64_t first) {
          pointwise_backward_sums(p, gradient_from<T>(run, first), mean, sum_g, sum_gx);
        });
        return;
      }
      for (int64_t i = 0; i < run.count; ++i) {
        chain_backward_sums(pool_, data_of<T>(run, in_, i), gradient_of<T>(run, out_, i), winners(run, i),
                            mean, sum_g, sum_gx);
      }
    });
  }

  /// y = factor * weight * x + bias: the sums are those of batch-norm about a mean of zero, or, where it is a
  /// batch-norm of fixed statistics, about its running mean.
  void scale_gradients(const ShardRun& run) const {
    float *mean = scratch(run, first_row), *no_bias = scratch(run, second_row),
          *no_weight = scratch(run, third_row);
    if (is_norm()) {
      std::ranges::copy(parameters_.buffer(running_mean_), mean);
    } else {
      std::fill_n(mean, pool_.c, 0.0f);
    }
    float* sum_g = scale_bias_ >= 0 ? run.step.partials->gradient(run.shard, scale_bias_) : no_bias;
    float* sum_gx = scale_weight_ >= 0 ? run.step.partials->gradient(run.shard, scale_weight_) : no_weight;
    sum_gradients(run, mean, sum_g, sum_gx);
    for (int64_t c = 0; c < pool_.c; ++c) sum_gx[c] *= is_norm() ? running_inverse(c) : factor_;
  }

  uint8_t* winners(const ShardRun& run, int64_t i) const {
    return sample<uint8_t>(run, winner_, i, out_.shape.elements());
  }
  RandomStream random_of(const ShardRun& run, int node) const {
    return {run.step.key.seed, Purpose::dropout, static_cast<uint32_t>(node), run.step.key.epoch};
  }
  static uint32_t draw_of(const ShardRun& run, int64_t i) {
    return run.step.key.first_draw + static_cast<uint32_t>(run.first + i);
  }
  const uint8_t* draw_keep(const ShardRun& run, int64_t i) const {
    if (dropout_ < 0) return nullptr;
    const RandomStream random = random_of(run, dropout_);
    auto* bits = run.at<uint8_t>(keep_);
    keep_bits(in_.shape.elements(), rate_, random.key(), draw_of(run, i), random.epoch(), random.purpose(),
              bits);
    return bits;
  }
  /// Stochastic depth (Huang et al. 2016): a sample's branch is dropped whole.
  float draw_path(const ShardRun& run, int64_t i) const {
    const uint32_t word = random_of(run, drop_path_).word(draw_of(run, i), 0);
    return (word & 0xFFFFu) >= path_rate_.threshold ? path_rate_.keep_scale : 0.0f;
  }

  /// Calls use(pointwise, first sample) for the whole shard, or sample by sample where samples differ.
  template <class T, class Use>
  void for_pieces(const ShardRun& run, const Affine& affine, bool backward, Use&& use) const {
    Pointwise<T> p{
        .rows = run.count * positions(), .c = pool_.c, .scale = affine.scale, .shift = affine.shift};
    p.active = active_, p.activation = activation_, p.alpha = alpha_;
    p.keep_scale = pool_.keep_scale;
    const auto piece = [&](int64_t first) {
      p.x = data_of<T>(run, in_, first);
      p.addend = data_of<T>(run, addend_, first);
      use(p, first);
    };
    if (dropout_ < 0 && drop_path_ < 0) return piece(0);
    p.rows = positions();
    for (int64_t i = 0; i < run.count; ++i) {
      p.keep = backward && tells_by_output_ ? nullptr : draw_keep(run, i);
      if (drop_path_ >= 0) p.factor = draw_path(run, i);
      piece(i);
    }
  }

  template <class T>
  PointwiseGradient<T> gradient_from(const ShardRun& run, int64_t first) const {
    return {tells_by_output_ ? data_of<T>(run, out_, first) : nullptr, gradient_of<T>(run, out_, first)};
  }

  ValueBuffers in_, addend_, out_;
  Parameters& parameters_;
  int norm_index_;
  bool training_, bf16_, sync_;
  ChainShape pool_;
  bool active_ = false, tells_by_output_ = false;
  Activation activation_ = Activation::relu;
  float alpha_ = 0;
  int gamma_ = -1, beta_ = -1, running_mean_ = -1, running_var_ = -1;
  float eps_ = 0, factor_ = 1;
  const float *scale_weight_data_ = nullptr, *scale_bias_data_ = nullptr;
  int scale_weight_ = -1, scale_bias_ = -1;  // where they are trained
  int dropout_ = -1, drop_path_ = -1;
  DropoutRate rate_{0}, path_rate_{0};
  BufferId coefficients_ = -1, winner_ = -1, keep_ = -1;
};

}  // namespace

std::unique_ptr<Op> make_chain_op(const OpContext& context, const ChainNodes& nodes,
                                  std::span<const ValueBuffers> in, const ValueBuffers& out) {
  return std::make_unique<ChainOp>(context, nodes, in, out);
}

ChainNeeds chain_needs(const Graph& graph, const ChainNodes& nodes) {
  const bool norm = nodes.norm >= 0;
  const Node* scale = nodes.scale >= 0 ? &graph.nodes[static_cast<size_t>(nodes.scale)] : nullptr;
  // What the affine step's own backward reads.
  const auto trained = [&](int p) { return graph.parameters[static_cast<size_t>(p)].trainable; };
  ChainNeeds needs{.input = norm || (scale && std::ranges::any_of(scale->parameters, trained))};
  if (nodes.pool >= 0 || nodes.activation < 0) return needs;  // winners tell, or nothing needs to be told
  const bool relu = graph.nodes[static_cast<size_t>(nodes.activation)].is_relu();
  // ReLU's zeros in the output cost a reading of it; where x is read anyway and alone makes the activation,
  // it is free to compute them again.
  if (relu && (!needs.input || nodes.add >= 0 || nodes.drop_path >= 0 || nodes.dropout >= 0)) {
    needs.output = true;
  } else {
    needs.input = true;
    needs.addend = nodes.add >= 0;
  }
  return needs;
}

}  // namespace frugal

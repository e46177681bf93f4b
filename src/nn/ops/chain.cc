#include "nn/kernels/chain.h"

#include <algorithm>
#include <cmath>

#include "base/philox.h"
#include "nn/kernels/dropout.h"
#include "nn/kernels/moments.h"
#include "nn/ops/ops.h"

namespace frugal {
namespace {

/// Batch-norm, ReLU, dropout and pooling in one pass each way; statistics and their gradients in one more.
/// Ghost and sync differ only in whose statistics a shard reads: its own, or the tree's sum in shard 0's
/// place.
class ChainOp : public Op {
 public:
  ChainOp(const OpContext& context, const ChainNodes& nodes, const ValueBuffers& in, const ValueBuffers& out)
      : in_(in),
        out_(out),
        parameters_(context.parameters),
        norm_index_(nodes.norm_index),
        training_(context.training),
        bf16_(context.bf16),
        sync_(context.sync) {
    shape_ = {.h = in.shape.h, .w = in.shape.w, .c = in.shape.c};
    shape_.relu = nodes.relu >= 0;
    if (nodes.norm >= 0) {
      const Node& norm = context.graph.nodes[static_cast<size_t>(nodes.norm)];
      gamma_ = norm.parameters[0], beta_ = norm.parameters[1];
      running_mean_ = norm.buffers[0], running_var_ = norm.buffers[1];
      eps_ = norm.eps;
      coefficients_ = context.add_buffer(Scope::worker, 0, 3 * row_bytes());
    }
    if (nodes.pool >= 0) shape_.pool = context.graph.nodes[static_cast<size_t>(nodes.pool)].kernel.h;
    if (!training_) return;
    const Scope saved = sync_ ? Scope::batch : Scope::worker;
    if (shape_.pool > 1) winner_ = context.add_buffer(saved, out.shape.elements());
    if (nodes.dropout >= 0) {
      const DropoutRate rate(context.graph.nodes[static_cast<size_t>(nodes.dropout)].rate);
      dropout_ = nodes.dropout;
      rate_ = rate;
      shape_.keep_scale = rate.keep_scale;
      keep_ = context.add_buffer(Scope::worker, 0, keep_bytes(in.shape.elements()));
    }
  }

  void forward_statistics(const ShardRun& run) const override {
    if (!normalises()) return;
    Partials& partials = *run.step.partials;
    with_type(bf16_, [&](auto type) {
      channel_moments(run.at<decltype(type)>(in_.data), run.count * positions(), shape_.c,
                      partials.mean(run.shard, norm_index_), partials.m2(run.shard, norm_index_));
    });
  }

  void forward(const ShardRun& run) const override {
    float *scale = nullptr, *shift = nullptr;
    if (normalises()) {
      scale = run.at<float>(coefficients_), shift = scale + row();
      const float* gamma = parameters_.weight(gamma_).data();
      const float* beta = parameters_.weight(beta_).data();
      const float* mean = training_ ? run.step.partials->mean(source(run), norm_index_)
                                    : parameters_.buffer(running_mean_).data();
      for (int64_t c = 0; c < shape_.c; ++c) {
        const float inverse =
            training_ ? inverse_deviation(run, c)
                      : 1.0f / std::sqrt(parameters_.buffer(running_var_)[static_cast<size_t>(c)] + eps_);
        scale[c] = gamma[c] * inverse;
        shift[c] = beta[c] - mean[c] * scale[c];
      }
    }
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      for (int64_t i = 0; i < run.count; ++i) {
        chain_forward(shape_, sample<T>(run, in_.data, i, in_.shape), scale, shift, draw_keep(run, i),
                      sample<T>(run, out_.data, i, out_.shape), winners(run, i));
      }
    });
  }

  void backward_statistics(const ShardRun& run) const override {
    if (!normalises()) return;
    Partials& partials = *run.step.partials;
    float* sum_g = partials.gradient(run.shard, beta_);
    float* sum_gx = partials.gradient(run.shard, gamma_);
    std::fill_n(sum_g, shape_.c, 0.0f);
    std::fill_n(sum_gx, shape_.c, 0.0f);
    const float* mean = partials.mean(source(run), norm_index_);
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      for (int64_t i = 0; i < run.count; ++i) {
        chain_backward_sums(
            shape_, sample<T>(run, in_.data, i, in_.shape), sample<T>(run, out_.data, i, out_.shape),
            sample<T>(run, out_.gradient, i, out_.shape), gradient_of(run, i), mean, sum_g, sum_gx);
      }
    });
    for (int64_t c = 0; c < shape_.c; ++c) sum_gx[c] *= inverse_deviation(run, c);
  }

  /// dx = gamma / deviation * (g - mean(g) - xhat * mean(g * xhat)); Ioffe & Szegedy 2015, section 3.
  void backward(const ShardRun& run) const override {
    if (in_.gradient < 0) return;
    float *a = nullptr, *b = nullptr, *offset = nullptr;
    const float* mean = nullptr;
    if (normalises()) {
      Partials& partials = *run.step.partials;
      a = run.at<float>(coefficients_), b = a + row(), offset = b + row();
      mean = partials.mean(source(run), norm_index_);
      const float* gamma = parameters_.weight(gamma_).data();
      const float* sum_g = partials.gradient(source(run), beta_);
      const float* sum_gxhat = partials.gradient(source(run), gamma_);
      const float per_row = 1.0f / static_cast<float>(rows(run));
      for (int64_t c = 0; c < shape_.c; ++c) {
        const float inverse = inverse_deviation(run, c);
        a[c] = gamma[c] * inverse;
        b[c] = -a[c] * inverse * sum_gxhat[c] * per_row;
        offset[c] = -a[c] * sum_g[c] * per_row;
      }
    }
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      for (int64_t i = 0; i < run.count; ++i) {
        chain_backward_input(shape_, sample<T>(run, in_.data, i, in_.shape),
                             sample<T>(run, out_.data, i, out_.shape),
                             sample<T>(run, out_.gradient, i, out_.shape), gradient_of(run, i), a, b, mean,
                             offset, sample<T>(run, in_.gradient, i, in_.shape));
      }
    });
  }

 private:
  bool normalises() const { return norm_index_ >= 0; }
  int64_t positions() const { return shape_.h * shape_.w; }
  int64_t row() const { return (shape_.c + 15) / 16 * 16; }
  int64_t row_bytes() const { return row() * static_cast<int64_t>(sizeof(float)); }
  /// Whose statistics this shard normalises with, and over how many rows they were taken.
  int64_t source(const ShardRun& run) const { return sync_ ? 0 : run.shard; }
  int64_t rows(const ShardRun& run) const { return (sync_ ? run.step.batch : run.count) * positions(); }
  float inverse_deviation(const ShardRun& run, int64_t c) const {
    const float m2 = run.step.partials->m2(source(run), norm_index_)[c];
    return 1.0f / std::sqrt(m2 / static_cast<float>(rows(run)) + eps_);
  }

  template <class T>
  static T* sample(const ShardRun& run, BufferId id, int64_t i, const Shape& shape) {
    T* p = run.at<T>(id);
    return p == nullptr ? nullptr : p + i * shape.elements();
  }
  uint8_t* winners(const ShardRun& run, int64_t i) const {
    return winner_ < 0 ? nullptr : run.at<uint8_t>(winner_) + i * out_.shape.elements();
  }
  const uint8_t* draw_keep(const ShardRun& run, int64_t i) const {
    if (dropout_ < 0) return nullptr;
    const StepKey& key = run.step.key;
    const RandomStream random(key.seed, Purpose::dropout, static_cast<uint32_t>(dropout_), key.epoch);
    auto* bits = run.at<uint8_t>(keep_);
    keep_bits(in_.shape.elements(), rate_, random.key(),
              key.first_draw + static_cast<uint32_t>(run.first + i), random.epoch(), random.purpose(), bits);
    return bits;
  }
  ChainGradient gradient_of(const ShardRun& run, int64_t i) const {
    const bool from_output = shape_.pool > 1 || shape_.relu;  // winners or zeros tell what was dropped
    return {winners(run, i), from_output ? nullptr : draw_keep(run, i)};
  }

  ValueBuffers in_, out_;
  Parameters& parameters_;
  int norm_index_;
  bool training_, bf16_, sync_;
  ChainShape shape_;
  int gamma_ = -1, beta_ = -1, running_mean_ = -1, running_var_ = -1;
  float eps_ = 0;
  int dropout_ = -1;
  DropoutRate rate_{0};
  BufferId coefficients_ = -1, winner_ = -1, keep_ = -1;
};

}  // namespace

std::unique_ptr<Op> make_chain_op(const OpContext& context, const ChainNodes& nodes, const ValueBuffers& in,
                                  const ValueBuffers& out) {
  return std::make_unique<ChainOp>(context, nodes, in, out);
}

}  // namespace frugal

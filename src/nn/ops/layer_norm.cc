#include "nn/kernels/layer_norm.h"

#include "nn/ops/affine.h"
#include "nn/ops/ops.h"
#include "nn/ops/samples.h"

namespace frugal {
namespace {

/// Every position by itself: a shard is so many rows.
class LayerNormOp : public Op {
 public:
  LayerNormOp(const OpContext& context, const Node& node, const ValueBuffers& in, const ValueBuffers& out)
      : in_(in), out_(out), eps_(node.eps), affine_(context, node), bf16_(context.bf16) {
    if (context.training) {
      statistics_ = context.add_saved(in.shape.h * in.shape.w * 2 * static_cast<int64_t>(sizeof(float)));
    }
  }

  void forward(const ShardRun& run) const override {
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      layer_norm_forward(rows(run), in_.shape.c, eps_, run.at<T>(in_.data), affine_.weight(), affine_.bias(),
                         run.at<T>(out_.data), run.at<float>(statistics_));
    });
  }

  void backward(const ShardRun& run) const override {
    const NormAffine::Gradients gradients = affine_.clear_gradients(run);
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      layer_norm_backward(rows(run), in_.shape.c, run.at<T>(in_.data), run.at<T>(out_.gradient),
                          affine_.weight(), run.at<float>(statistics_), gradients.weight, gradients.bias,
                          run.at<T>(in_.gradient), in_.accumulate);
    });
  }

 private:
  int64_t rows(const ShardRun& run) const { return run.count * in_.shape.h * in_.shape.w; }

  ValueBuffers in_, out_;
  float eps_;
  NormAffine affine_;
  bool bf16_;
  BufferId statistics_ = -1;
};

}  // namespace

std::unique_ptr<Op> make_layer_norm_op(const OpContext& context, const Node& node,
                                       std::span<const ValueBuffers> in, const ValueBuffers& out) {
  return std::make_unique<LayerNormOp>(context, node, in[0], out);
}

}  // namespace frugal

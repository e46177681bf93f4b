#include "nn/ops/ops.h"
#include "nn/ops/samples.h"
#include "nn/primitive.h"

namespace frugal {
namespace {

using onednn::Desc;
using onednn::Tag;
using onednn::Type;

/// y = x W^T + b by oneDNN. The weight gradient waits for the meeting point: its traffic, one shard at a
/// time, would be that of the whole weight matrix for every shard.
class LinearOp : public Op {
 public:
  LinearOp(const OpContext& context, const Node& node, const ValueBuffers& in, const ValueBuffers& out,
           bool last)
      : in_(in), out_(out), bf16_(context.bf16) {
    const int64_t n = context.shard;
    const int weight = node.parameters[0];
    const Desc src({n, node.in.c}, context.type(), Tag::nc);
    const Desc dst({n, node.out.c}, last ? Type::f32 : context.type(), Tag::nc);
    const Desc any_weights({node.out.c, node.in.c}, context.type(), Tag::any);
    const Desc plain({node.out.c, node.in.c}, Type::f32, Tag::oi);
    const Desc bias = node.bias ? Desc({node.out.c}, Type::f32, Tag::x) : Desc();

    const auto kind =
        context.training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
    const auto forward = onednn::linear_forward(kind, src, any_weights, bias, dst);
    std::vector<Primitive::Argument> arguments = {{DNNL_ARG_SRC, src}, {DNNL_ARG_DST, dst}};
    if (node.bias) arguments.push_back({DNNL_ARG_BIAS, bias});
    forward_ =
        Primitive(forward, dnnl::inner_product_forward(forward), std::move(arguments), context.workers);
    forward_weights_ = &context.packed[context.pack(weight, plain, forward.weights_desc())];
    context.need_scratch(forward_.scratch_bytes());
    bias_data_ = node.bias ? context.parameters.weight(node.parameters[1]).data() : nullptr;
    if (!context.training || in.gradient < 0) return;

    const Desc diff_dst({n, node.out.c}, context.type(), Tag::nc);
    // The hint must have the types of the backward pass; the forward one writes fp32 logits.
    const auto hint = onednn::linear_forward(kind, src, any_weights, bias, diff_dst);
    const auto data = onednn::linear_backward_data(src, any_weights, diff_dst, hint);
    backward_data_ = Primitive(data, dnnl::inner_product_backward_data(data),
                               {{DNNL_ARG_DIFF_DST, diff_dst}, {DNNL_ARG_DIFF_SRC, src}}, context.workers);
    backward_weights_ = &context.packed[context.pack(weight, plain, data.weights_desc())];
    context.need_scratch(backward_data_.scratch_bytes());
    if (in.accumulate) summand_ = context.add_scratch(in.shape.elements() * context.type_bytes());
  }

  void forward(const ShardRun& run) const override {
    void* const pointers[] = {run.at(in_.data), run.at(out_.data), bias_data_};
    forward_.run(run.worker, run.at(0), {pointers, bias_data_ ? 3u : 2u}, forward_weights_);
  }

  void backward(const ShardRun& run) const override {
    if (!backward_data_) return;
    void* const pointers[] = {run.at(out_.gradient), run.at(summand_ >= 0 ? summand_ : in_.gradient)};
    backward_data_.run(run.worker, run.at(0), pointers, backward_weights_);
    if (summand_ >= 0) add_to_gradient(run, in_, summand_, bf16_);
  }

 private:
  ValueBuffers in_, out_;
  bool bf16_;
  BufferId summand_ = -1;
  float* bias_data_ = nullptr;
  Primitive forward_, backward_data_;
  const dnnl::memory *forward_weights_ = nullptr, *backward_weights_ = nullptr;
};

}  // namespace

std::unique_ptr<Op> make_linear_op(const OpContext& context, const Node& node, const ValueBuffers& in,
                                   const ValueBuffers& out, bool last) {
  return std::make_unique<LinearOp>(context, node, in, out, last);
}

}  // namespace frugal

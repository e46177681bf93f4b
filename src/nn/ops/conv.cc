#include "nn/ops/ops.h"
#include "nn/primitive.h"

namespace frugal {
namespace {

using onednn::Desc;
using onednn::Tag;
using onednn::Type;

/// A convolution by oneDNN: activations NHWC, weights in whatever layout it prefers.
class ConvOp : public Op {
 public:
  ConvOp(const OpContext& context, const Node& node, const ValueBuffers& in, const ValueBuffers& out,
         bool bias_gradient)
      : in_(in), out_(out), weight_(node.parameters[0]), bias_(node.bias ? node.parameters[1] : -1) {
    const int64_t n = context.shard;
    const onednn::Dims weight_dims = {node.out.c, node.in.c, node.kernel.h, node.kernel.w};
    const Desc src({n, node.in.c, node.in.h, node.in.w}, context.type(), Tag::nhwc);
    const Desc dst({n, node.out.c, node.out.h, node.out.w}, context.type(), Tag::nhwc);
    const Desc any_weights(weight_dims, context.type(), Tag::any);
    const Desc plain(weight_dims, Type::f32, Tag::oihw);
    const Desc bias = node.bias ? Desc({node.out.c}, Type::f32, Tag::x) : Desc();
    const onednn::ConvShape shape{{node.stride.h, node.stride.w}, {node.padding.h, node.padding.w}};

    const auto kind =
        context.training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
    const auto forward = onednn::conv_forward(kind, src, any_weights, bias, dst, shape);
    std::vector<Primitive::Argument> arguments = {{DNNL_ARG_SRC, src}, {DNNL_ARG_DST, dst}};
    if (node.bias) arguments.push_back({DNNL_ARG_BIAS, bias});
    forward_ = Primitive(forward, dnnl::convolution_forward(forward), std::move(arguments), context.workers);
    forward_weights_ = &context.packed[context.pack(weight_, plain, forward.weights_desc())];
    context.need_scratch(forward_.scratch_bytes());
    bias_data_ = node.bias ? context.parameters.weight(bias_).data() : nullptr;
    if (!context.training) return;

    const int64_t turned_padding = node.kernel.h - 1 - node.padding.h;
    if (in.gradient >= 0 && node.stride == Extent(1) && turned_padding >= 0) {
      // With stride 1 this is a forward convolution by the rotated weights, which oneDNN runs faster.
      const Desc turned({node.in.c, node.out.c, node.kernel.h, node.kernel.w}, context.type(), Tag::any);
      const auto data =
          onednn::conv_forward(kind, dst, turned, Desc(), src, {{1, 1}, {turned_padding, turned_padding}});
      backward_data_ = Primitive(data, dnnl::convolution_forward(data),
                                 {{DNNL_ARG_SRC, dst}, {DNNL_ARG_DST, src}}, context.workers);
      backward_weights_ = &context.packed[context.pack_rotated(node, data.weights_desc())];
      context.need_scratch(backward_data_.scratch_bytes());
    } else if (in.gradient >= 0) {
      const auto data = onednn::conv_backward_data(src, any_weights, dst, shape, forward);
      backward_data_ = Primitive(data, dnnl::convolution_backward_data(data),
                                 {{DNNL_ARG_DIFF_DST, dst}, {DNNL_ARG_DIFF_SRC, src}}, context.workers);
      backward_weights_ = &context.packed[context.pack(weight_, plain, data.weights_desc())];
      context.need_scratch(backward_data_.scratch_bytes());
    }
    bias_gradient_ = node.bias && bias_gradient;
    const auto weights = onednn::conv_backward_weights(src, Desc(weight_dims, Type::f32, Tag::any),
                                                       bias_gradient_ ? bias : Desc(), dst, shape, forward);
    const Desc computed = weights.diff_weights_desc();
    arguments = {{DNNL_ARG_SRC, src}, {DNNL_ARG_DIFF_DST, dst}, {DNNL_ARG_DIFF_WEIGHTS, computed}};
    if (bias_gradient_) arguments.push_back({DNNL_ARG_DIFF_BIAS, bias});
    weight_gradient_ = Primitive(weights, dnnl::convolution_backward_weights(weights), std::move(arguments),
                                 context.workers);
    context.need_scratch(weight_gradient_.scratch_bytes());
    if (computed != plain) {
      const auto reorder = dnnl::reorder::primitive_desc(onednn::cpu(), computed, onednn::cpu(), plain,
                                                         onednn::user_scratchpad());
      to_plain_ = Primitive(reorder, dnnl::reorder(reorder),
                            {{DNNL_ARG_FROM, computed}, {DNNL_ARG_TO, plain}}, context.workers);
      context.need_scratch(to_plain_.scratch_bytes());
      computed_gradient_ = context.add_buffer(Scope::worker, 0, static_cast<int64_t>(computed.get_size()));
    }
  }

  void forward(const ShardRun& run) const override {
    void* const pointers[] = {run.at(in_.data), run.at(out_.data), bias_data_};
    forward_.run(run.worker, run.at(0), {pointers, bias_data_ ? 3u : 2u}, forward_weights_);
  }

  /// The weight gradient first: it reads the input, which the input's gradient may overwrite.
  void backward(const ShardRun& run) const override {
    Partials& partials = *run.step.partials;
    float* plain = partials.gradient(run.shard, weight_);
    void* computed = to_plain_ ? run.at(computed_gradient_) : plain;
    void* const pointers[] = {run.at(in_.data), run.at(out_.gradient), computed,
                              bias_gradient_ ? partials.gradient(run.shard, bias_) : nullptr};
    weight_gradient_.run(run.worker, run.at(0), {pointers, bias_gradient_ ? 4u : 3u});
    if (to_plain_) {
      void* const order[] = {computed, plain};
      to_plain_.run(run.worker, run.at(0), order);
    }
    if (backward_data_) {
      void* const data[] = {run.at(out_.gradient), run.at(in_.gradient)};
      backward_data_.run(run.worker, run.at(0), data, backward_weights_);
    }
  }

 private:
  ValueBuffers in_, out_;
  int weight_, bias_;
  bool bias_gradient_ = false;
  float* bias_data_ = nullptr;
  BufferId computed_gradient_ = -1;
  Primitive forward_, backward_data_, weight_gradient_, to_plain_;
  const dnnl::memory *forward_weights_ = nullptr, *backward_weights_ = nullptr;
};

}  // namespace

std::unique_ptr<Op> make_conv_op(const OpContext& context, const Node& node, const ValueBuffers& in,
                                 const ValueBuffers& out, bool bias_gradient) {
  return std::make_unique<ConvOp>(context, node, in, out, bias_gradient);
}

}  // namespace frugal

#include <cstring>

#include "nn/kernels/moments.h"
#include "nn/ops/ops.h"
#include "nn/ops/samples.h"
#include "nn/primitive.h"

namespace frugal {
namespace {

using onednn::Desc;
using onednn::Tag;
using onednn::Type;

/// The tensors of a convolution as oneDNN sees them: activations NHWC, weights as Parameters holds them, or
/// in whatever layout the primitive prefers.
struct ConvDescs {
  Desc src, dst, bias, plain, any_weights, any_gradient, any_turned;
  onednn::ConvShape shape, turned;

  ConvDescs(const OpContext& context, const Node& node)
      : src({context.shard, node.in.c, node.in.h, node.in.w}, context.type(), Tag::nhwc),
        dst({context.shard, node.out.c, node.out.h, node.out.w}, context.type(), Tag::nhwc),
        shape{{node.stride.h, node.stride.w},
              {node.dilation.h - 1, node.dilation.w - 1},
              {node.padding.h, node.padding.w}},
        turned{{1, 1},
               shape.dilation,
               {node.dilation.h * (node.kernel.h - 1) - node.padding.h,
                node.dilation.w * (node.kernel.w - 1) - node.padding.w}} {
    if (node.bias) bias = Desc({node.out.c}, Type::f32, Tag::x);
    onednn::Dims weights = {node.out.c / node.groups, node.in.c / node.groups, node.kernel.h, node.kernel.w};
    onednn::Dims swapped = {weights[1], weights[0], weights[2], weights[3]};
    if (node.groups > 1) {
      weights.insert(weights.begin(), node.groups);
      swapped.insert(swapped.begin(), node.groups);
    }
    plain = Desc(weights, Type::f32, node.groups > 1 ? Tag::goihw : Tag::oihw);
    any_weights = Desc(weights, context.type(), Tag::any);
    any_gradient = Desc(weights, Type::f32, Tag::any);
    any_turned = Desc(swapped, context.type(), Tag::any);
  }
};

/// A convolution by oneDNN.
class ConvOp : public Op {
 public:
  ConvOp(const OpContext& context, const Node& node, const ValueBuffers& in, const ValueBuffers& out,
         bool bias_gradient)
      : in_(in),
        out_(out),
        weight_(node.parameters[0]),
        bias_(node.bias ? node.parameters[1] : -1),
        bf16_(context.bf16) {
    const ConvDescs descs(context, node);
    const auto kind =
        context.training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
    const auto forward = onednn::conv_forward(kind, descs.src, descs.any_weights, descs.bias, descs.dst,
                                              descs.shape, onednn::user_scratchpad());
    std::vector<Primitive::Argument> arguments = {{DNNL_ARG_SRC, descs.src}, {DNNL_ARG_DST, descs.dst}};
    if (node.bias) arguments.push_back({DNNL_ARG_BIAS, descs.bias});
    forward_ = Primitive(forward, dnnl::convolution_forward(forward), std::move(arguments), context.workers);
    forward_weights_ = &context.packed[context.pack(weight_, descs.plain, forward.weights_desc())];
    context.need_scratch(forward_.scratch_bytes());
    bias_data_ = node.bias ? context.parameters.weight(bias_).data() : nullptr;
    if (!context.training) return;
    if (in.gradient >= 0) plan_input_gradient(context, node, descs, forward);
    bias_gradient_ = node.bias && bias_gradient && context.trains(bias_);
    if (!context.trains(weight_)) return;
    plan_weight_gradient(context, descs, forward);
    // oneDNN 2.6.3 in bf16 then takes what lies in its scratch for padding.
    clears_scratch_ = bf16_ && node.in.w < node.stride.w && node.padding.w > 0;
  }

  void forward(const ShardRun& run) const override {
    void* const pointers[] = {run.at(in_.data), run.at(out_.data), bias_data_};
    forward_.run(run.worker, run.at(0), {pointers, bias_data_ ? 3u : 2u}, forward_weights_);
  }

  /// The weight gradient first: it reads the input, which the input's gradient may overwrite.
  void backward(const ShardRun& run) const override {
    if (weight_gradient_) {
      run_weight_gradient(run);
    } else if (bias_gradient_) {  // the weight is frozen
      with_type(bf16_, [&](auto type) {
        channel_sums(run.at<decltype(type)>(out_.gradient), run.count * out_.shape.h * out_.shape.w,
                     out_.shape.c, run.step.partials->gradient(run.shard, bias_));
      });
    }
    if (!backward_data_) return;
    void* const target = run.at(summand_ >= 0 ? summand_ : in_.gradient);
    void* const data[] = {run.at(out_.gradient), target};
    backward_data_.run(run.worker, run.at(0), data, backward_weights_);
    if (summand_ >= 0) add_to_gradient(run, in_, summand_, bf16_);
  }

 private:
  void plan_input_gradient(const OpContext& context, const Node& node, const ConvDescs& descs,
                           const dnnl::convolution_forward::primitive_desc& hint) {
    if (node.stride == Extent(1) && descs.turned.padding[0] >= 0 && descs.turned.padding[1] >= 0) {
      // With stride 1 this is a forward convolution by the rotated weights, which oneDNN runs faster, and
      // which can add to what is there.
      const auto data = onednn::conv_forward(dnnl::prop_kind::forward_training, descs.dst, descs.any_turned,
                                             Desc(), descs.src, descs.turned,
                                             in_.accumulate ? onednn::adding() : onednn::user_scratchpad());
      backward_data_ = Primitive(data, dnnl::convolution_forward(data),
                                 {{DNNL_ARG_SRC, descs.dst}, {DNNL_ARG_DST, descs.src}}, context.workers);
      backward_weights_ = &context.packed[context.pack_rotated(node, data.weights_desc())];
    } else {
      const auto data =
          onednn::conv_backward_data(descs.src, descs.any_weights, descs.dst, descs.shape, hint);
      backward_data_ =
          Primitive(data, dnnl::convolution_backward_data(data),
                    {{DNNL_ARG_DIFF_DST, descs.dst}, {DNNL_ARG_DIFF_SRC, descs.src}}, context.workers);
      backward_weights_ = &context.packed[context.pack(weight_, descs.plain, data.weights_desc())];
      if (in_.accumulate) summand_ = context.add_scratch(in_.shape.elements() * context.type_bytes());
    }
    context.need_scratch(backward_data_.scratch_bytes());
  }

  void plan_weight_gradient(const OpContext& context, const ConvDescs& descs,
                            const dnnl::convolution_forward::primitive_desc& hint) {
    const bool bias = bias_gradient_;
    const auto weights = onednn::conv_backward_weights(
        descs.src, descs.any_gradient, bias ? descs.bias : Desc(), descs.dst, descs.shape, hint);
    const Desc computed = weights.diff_weights_desc();
    std::vector<Primitive::Argument> arguments = {
        {DNNL_ARG_SRC, descs.src}, {DNNL_ARG_DIFF_DST, descs.dst}, {DNNL_ARG_DIFF_WEIGHTS, computed}};
    if (bias) arguments.push_back({DNNL_ARG_DIFF_BIAS, descs.bias});
    weight_gradient_ = Primitive(weights, dnnl::convolution_backward_weights(weights), std::move(arguments),
                                 context.workers);
    context.need_scratch(weight_gradient_.scratch_bytes());
    if (computed == descs.plain) return;
    const auto reorder = dnnl::reorder::primitive_desc(onednn::cpu(), computed, onednn::cpu(), descs.plain,
                                                       onednn::user_scratchpad());
    to_plain_ = Primitive(reorder, dnnl::reorder(reorder),
                          {{DNNL_ARG_FROM, computed}, {DNNL_ARG_TO, descs.plain}}, context.workers);
    context.need_scratch(to_plain_.scratch_bytes());
    computed_gradient_ = context.add_scratch(0, static_cast<int64_t>(computed.get_size()));
  }

  void run_weight_gradient(const ShardRun& run) const {
    Partials& partials = *run.step.partials;
    float* plain = partials.gradient(run.shard, weight_);
    void* computed = computed_gradient_ >= 0 ? run.at(computed_gradient_) : plain;
    void* const pointers[] = {run.at(in_.data), run.at(out_.gradient), computed,
                              bias_gradient_ ? partials.gradient(run.shard, bias_) : nullptr};
    if (clears_scratch_) std::memset(run.at(0), 0, static_cast<size_t>(weight_gradient_.scratch_bytes()));
    weight_gradient_.run(run.worker, run.at(0), {pointers, bias_gradient_ ? 4u : 3u});
    if (!to_plain_) return;
    void* const order[] = {computed, plain};
    to_plain_.run(run.worker, run.at(0), order);
  }

  ValueBuffers in_, out_;
  int weight_, bias_;
  bool bf16_, bias_gradient_ = false;
  bool clears_scratch_ = false;
  float* bias_data_ = nullptr;
  BufferId computed_gradient_ = -1, summand_ = -1;
  Primitive forward_, backward_data_, weight_gradient_, to_plain_;
  const dnnl::memory *forward_weights_ = nullptr, *backward_weights_ = nullptr;
};

}  // namespace

std::unique_ptr<Op> make_conv_op(const OpContext& context, const Node& node, const ValueBuffers& in,
                                 const ValueBuffers& out, bool bias_gradient) {
  return std::make_unique<ConvOp>(context, node, in, out, bias_gradient);
}

}  // namespace frugal

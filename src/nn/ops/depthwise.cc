#include "nn/kernels/depthwise.h"

#include <algorithm>

#include "nn/kernels/moments.h"
#include "nn/ops/ops.h"
#include "nn/ops/samples.h"

namespace frugal {
namespace {

/// A depthwise convolution by our own kernels. Weights are read as Parameters holds them, in fp32.
class DepthwiseOp : public Op {
 public:
  DepthwiseOp(const OpContext& context, const Node& node, const ValueBuffers& in, const ValueBuffers& out,
              bool bias_gradient)
      : in_(in),
        out_(out),
        weight_(node.parameters[0]),
        bias_(node.bias ? node.parameters[1] : -1),
        bf16_(context.bf16),
        weight_gradient_(context.training && context.trains(weight_)),
        bias_gradient_(context.training && node.bias && bias_gradient && context.trains(bias_)),
        shape_{.h = node.in.h,
               .w = node.in.w,
               .c = node.in.c,
               .out_h = node.out.h,
               .out_w = node.out.w,
               .kernel_h = node.kernel.h,
               .kernel_w = node.kernel.w,
               .stride_h = node.stride.h,
               .stride_w = node.stride.w,
               .padding_h = node.padding.h,
               .padding_w = node.padding.w},
        weights_(context.parameters.weight(weight_).data()),
        bias_data_(node.bias ? context.parameters.weight(bias_).data() : nullptr) {
    int64_t floats = shape_.scratch_floats();
    if (in.gradient >= 0) floats = std::max(floats, shape_.turned().scratch_floats());
    scratch_ = context.add_scratch(0, floats * static_cast<int64_t>(sizeof(float)));
  }

  void forward(const ShardRun& run) const override {
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      depthwise_forward(shape_, run.at<T>(in_.data), weights_, bias_data_, run.count, run.at<float>(scratch_),
                        run.at<T>(out_.data));
    });
  }

  /// The weight gradient first: it reads the input, which the input's gradient may overwrite.
  void backward(const ShardRun& run) const override {
    Partials& partials = *run.step.partials;
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      const T* dy = run.at<T>(out_.gradient);
      float* scratch = run.at<float>(scratch_);
      if (weight_gradient_) {
        depthwise_weight_gradient(shape_, run.at<T>(in_.data), dy, run.count, scratch,
                                  partials.gradient(run.shard, weight_));
      }
      if (bias_gradient_) {
        channel_sums(dy, run.count * shape_.out_h * shape_.out_w, shape_.c,
                     partials.gradient(run.shard, bias_));
      }
      if (in_.gradient >= 0) {
        depthwise_input_gradient(shape_, dy, weights_, run.count, scratch, run.at<T>(in_.gradient),
                                 in_.accumulate);
      }
    });
  }

 private:
  ValueBuffers in_, out_;
  int weight_, bias_;
  bool bf16_, weight_gradient_, bias_gradient_;
  DepthwiseShape shape_;
  const float *weights_, *bias_data_;
  BufferId scratch_ = -1;
};

}  // namespace

bool takes_depthwise_op(const Node& conv) {
  return conv.depthwise() && conv.out.c == conv.in.c && conv.dilation == Extent(1) && conv.stride.w <= 2 &&
         conv.padding.h < conv.kernel.h && conv.padding.w < conv.kernel.w && !(conv.kernel == Extent(3));
}

std::unique_ptr<Op> make_depthwise_op(const OpContext& context, const Node& node, const ValueBuffers& in,
                                      const ValueBuffers& out, bool bias_gradient) {
  return std::make_unique<DepthwiseOp>(context, node, in, out, bias_gradient);
}

}  // namespace frugal

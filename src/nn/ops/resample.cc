#include "nn/kernels/resample.h"

#include "nn/ops/ops.h"
#include "nn/ops/samples.h"

namespace frugal {
namespace {

Taps axis_taps(const Node& node, int64_t in, int64_t out, int kernel, int stride, int padding) {
  switch (node.kind) {
    case OpKind::adaptive_avg_pool:
      return adaptive_average_taps(in, out);
    case OpKind::blur_pool:
      return blur_taps(in, out, kernel, stride);
    default:
      return average_taps(in, out, kernel, stride, padding, node.count_include_pad);
  }
}

/// Average pools and blurring. They are linear, so backward needs the gradient alone.
class ResampleOp : public Op {
 public:
  ResampleOp(const OpContext& context, const Node& node, const ValueBuffers& in, const ValueBuffers& out)
      : in_(in),
        out_(out),
        forward_{axis_taps(node, node.in.h, node.out.h, node.kernel.h, node.stride.h, node.padding.h),
                 axis_taps(node, node.in.w, node.out.w, node.kernel.w, node.stride.w, node.padding.w),
                 node.in.c},
        backward_(transposed(forward_)),
        bf16_(context.bf16) {
    const int64_t floats = std::max(forward_.scratch_floats(), backward_.scratch_floats());
    scratch_ = context.add_scratch(0, floats * static_cast<int64_t>(sizeof(float)));
  }

  void forward(const ShardRun& run) const override {
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      for (int64_t i = 0; i < run.count; ++i) {
        resample(forward_, data_of<T>(run, in_, i), data_of<T>(run, out_, i), false, run.at<float>(scratch_));
      }
    });
  }

  void backward(const ShardRun& run) const override {
    if (in_.gradient < 0) return;
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      for (int64_t i = 0; i < run.count; ++i) {
        resample(backward_, gradient_of<T>(run, out_, i), gradient_of<T>(run, in_, i), in_.accumulate,
                 run.at<float>(scratch_));
      }
    });
  }

 private:
  ValueBuffers in_, out_;
  ResampleShape forward_, backward_;
  bool bf16_;
  BufferId scratch_ = -1;
};

}  // namespace

std::unique_ptr<Op> make_resample_op(const OpContext& context, const Node& node,
                                     std::span<const ValueBuffers> in, const ValueBuffers& out) {
  return std::make_unique<ResampleOp>(context, node, in[0], out);
}

}  // namespace frugal

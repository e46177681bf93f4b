#include <algorithm>

#include "nn/kernels/rows.h"
#include "nn/ops/ops.h"
#include "nn/ops/samples.h"

namespace frugal {
namespace {

/// Every stride-th pixel between zero channels.
class PadChannelsOp : public Op {
 public:
  PadChannelsOp(const OpContext& context, const Node& node, const ValueBuffers& in, const ValueBuffers& out)
      : in_(in),
        out_(out),
        before_(node.channels_before),
        stride_h_(node.stride.h),
        stride_w_(node.stride.w),
        bf16_(context.bf16) {}

  void forward(const ShardRun& run) const override {
    for_rows(run, in_.data, out_.data, [&](auto* x, auto* y) {
      std::fill_n(y, out_.shape.w * out_.shape.c, 0);
      copy_rows(out_.shape.w, in_.shape.c, x, stride_w_ * in_.shape.c, y + before_, out_.shape.c);
    });
  }

  void backward(const ShardRun& run) const override {
    if (in_.gradient < 0) return;
    if (!in_.accumulate && (stride_h_ > 1 || stride_w_ > 1)) {
      with_type(bf16_, [&](auto type) {
        std::fill_n(run.at<decltype(type)>(in_.gradient), run.count * in_.shape.elements(), 0);
      });
    }
    for_rows(run, in_.gradient, out_.gradient, [&]<class T>(T* dx, const T* dy) {
      const auto move = in_.accumulate ? add_rows<T> : copy_rows<T>;
      move(out_.shape.w, in_.shape.c, dy + before_, out_.shape.c, dx, stride_w_ * in_.shape.c);
    });
  }

 private:
  /// Calls f with each row of pixels of the result and the row of the input that it comes from.
  template <class F>
  void for_rows(const ShardRun& run, BufferId in, BufferId out, F&& f) const {
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      for (int64_t i = 0; i < run.count; ++i) {
        for (int64_t h = 0; h < out_.shape.h; ++h) {
          f(sample<T>(run, in, i, in_.shape.elements()) + h * stride_h_ * in_.shape.w * in_.shape.c,
            sample<T>(run, out, i, out_.shape.elements()) + h * out_.shape.w * out_.shape.c);
        }
      }
    });
  }

  ValueBuffers in_, out_;
  int64_t before_, stride_h_, stride_w_;
  bool bf16_;
};

}  // namespace

std::unique_ptr<Op> make_pad_channels_op(const OpContext& context, const Node& node,
                                         std::span<const ValueBuffers> in, const ValueBuffers& out) {
  return std::make_unique<PadChannelsOp>(context, node, in[0], out);
}

}  // namespace frugal

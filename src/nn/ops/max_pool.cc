#include "nn/kernels/max_pool.h"

#include "nn/ops/ops.h"
#include "nn/ops/samples.h"

namespace frugal {
namespace {

MaxPoolShape pool_shape(const Node& node) {
  if (node.kind == OpKind::adaptive_max_pool) {
    return {adaptive_axis(node.in.h, node.out.h), adaptive_axis(node.in.w, node.out.w), node.in.c};
  }
  return {window_axis(node.in.h, node.out.h, node.kernel.h, node.stride.h, node.padding.h),
          window_axis(node.in.w, node.out.w, node.kernel.w, node.stride.w, node.padding.w), node.in.c};
}

/// Backward knows from the winners alone where gradients go.
class MaxPoolOp : public Op {
 public:
  MaxPoolOp(const OpContext& context, const Node& node, const ValueBuffers& in, const ValueBuffers& out)
      : in_(in), out_(out), shape_(pool_shape(node)), bf16_(context.bf16) {
    if (context.training && in.gradient >= 0) {
      winner_ = context.add_saved(shape_.outputs() * shape_.winner_bytes());
    }
  }

  void forward(const ShardRun& run) const override {
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      for (int64_t i = 0; i < run.count; ++i) {
        max_pool_forward(shape_, data_of<T>(run, in_, i), data_of<T>(run, out_, i), winners(run, i));
      }
    });
  }

  void backward(const ShardRun& run) const override {
    if (in_.gradient < 0) return;
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      for (int64_t i = 0; i < run.count; ++i) {
        max_pool_backward(shape_, gradient_of<T>(run, out_, i), winners(run, i), gradient_of<T>(run, in_, i),
                          in_.accumulate);
      }
    });
  }

 private:
  void* winners(const ShardRun& run, int64_t i) const {
    return sample<uint8_t>(run, winner_, i, shape_.outputs() * shape_.winner_bytes());
  }

  ValueBuffers in_, out_;
  MaxPoolShape shape_;
  bool bf16_;
  BufferId winner_ = -1;
};

}  // namespace

std::unique_ptr<Op> make_max_pool_op(const OpContext& context, const Node& node,
                                     std::span<const ValueBuffers> in, const ValueBuffers& out) {
  return std::make_unique<MaxPoolOp>(context, node, in[0], out);
}

}  // namespace frugal

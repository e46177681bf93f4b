#include "nn/kernels/max_pool.h"

#include "nn/ops/ops.h"

namespace frugal {
namespace {

class MaxPoolOp : public Op {
 public:
  MaxPoolOp(const OpContext& context, const Node& node, const ValueBuffers& in, const ValueBuffers& out)
      : in_(in),
        out_(out),
        shape_{node.in.h, node.in.w, node.in.c, node.kernel.h, node.stride.h, node.padding.h},
        bf16_(context.bf16) {
    if (context.training) winner_ = context.add_saved(node.out.elements());
  }

  void forward(const ShardRun& run) const override {
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      for (int64_t i = 0; i < run.count; ++i) {
        max_pool_forward(shape_, run.at<T>(in_.data) + i * in_.shape.elements(),
                         run.at<T>(out_.data) + i * out_.shape.elements(), winners(run, i));
      }
    });
  }

  void backward(const ShardRun& run) const override {
    if (in_.gradient < 0) return;
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      for (int64_t i = 0; i < run.count; ++i) {
        max_pool_backward(shape_, run.at<T>(out_.gradient) + i * out_.shape.elements(), winners(run, i),
                          run.at<T>(in_.gradient) + i * in_.shape.elements());
      }
    });
  }

 private:
  uint8_t* winners(const ShardRun& run, int64_t i) const {
    return winner_ < 0 ? nullptr : run.at<uint8_t>(winner_) + i * out_.shape.elements();
  }
  ValueBuffers in_, out_;
  PoolShape shape_;
  bool bf16_;
  BufferId winner_ = -1;
};

}  // namespace

std::unique_ptr<Op> make_max_pool_op(const OpContext& context, const Node& node, const ValueBuffers& in,
                                     const ValueBuffers& out) {
  return std::make_unique<MaxPoolOp>(context, node, in, out);
}

}  // namespace frugal

#include "nn/kernels/convert.h"
#include "nn/ops/ops.h"

namespace frugal {
namespace {

/// Moving the few activations into PyTorch's order is cheaper than moving the many weights behind them out of
/// it.
class FlattenOp : public Op {
 public:
  FlattenOp(const OpContext& context, const Node& node, const ValueBuffers& in, const ValueBuffers& out)
      : in_(in), out_(out), pixels_(node.in.h * node.in.w), channels_(node.in.c), bf16_(context.bf16) {}

  void forward(const ShardRun& run) const override {
    move(run, in_.data, out_.data, pixels_, channels_, false);
  }
  void backward(const ShardRun& run) const override {
    if (in_.gradient >= 0) move(run, out_.gradient, in_.gradient, channels_, pixels_, in_.accumulate);
  }

 private:
  void move(const ShardRun& run, BufferId from, BufferId to, int64_t rows, int64_t columns, bool add) const {
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      for (int64_t i = 0; i < run.count; ++i) {
        const int64_t at = i * rows * columns;
        transpose(run.at<T>(from) + at, rows, columns, run.at<T>(to) + at, add);
      }
    });
  }
  ValueBuffers in_, out_;
  int64_t pixels_, channels_;
  bool bf16_;
};

}  // namespace

std::unique_ptr<Op> make_flatten_op(const OpContext& context, const Node& node,
                                    std::span<const ValueBuffers> in, const ValueBuffers& out) {
  return std::make_unique<FlattenOp>(context, node, in[0], out);
}

}  // namespace frugal

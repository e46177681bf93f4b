#include "nn/kernels/gate.h"

#include "nn/ops/ops.h"
#include "nn/ops/samples.h"

namespace frugal {
namespace {

/// Channels times factors; both gradients in one pass over x and dy.
class GateOp : public Op {
 public:
  GateOp(const OpContext& context, const Node& node, std::span<const ValueBuffers> in,
         const ValueBuffers& out)
      : x_(in[0]),
        factors_(in[1]),
        out_(out),
        pixels_(node.in.h * node.in.w),
        bf16_(context.bf16),
        scratch_(context.add_scratch(0, node.in.c * static_cast<int64_t>(sizeof(float)))) {}

  void forward(const ShardRun& run) const override {
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      for (int64_t i = 0; i < run.count; ++i) {
        gate_forward(pixels_, channels(), data_of<T>(run, x_, i), data_of<T>(run, factors_, i),
                     data_of<T>(run, out_, i));
      }
    });
  }

  void backward(const ShardRun& run) const override {
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      for (int64_t i = 0; i < run.count; ++i) {
        const GateGradients<T> gradients{gradient_of<T>(run, x_, i), gradient_of<T>(run, factors_, i),
                                         x_.accumulate, factors_.accumulate};
        gate_backward(pixels_, channels(), data_of<T>(run, x_, i), data_of<T>(run, factors_, i),
                      gradient_of<T>(run, out_, i), gradients, run.at<float>(scratch_));
      }
    });
  }

 private:
  int64_t channels() const { return x_.shape.c; }

  ValueBuffers x_, factors_, out_;
  int64_t pixels_;
  bool bf16_;
  BufferId scratch_;
};

}  // namespace

std::unique_ptr<Op> make_gate_op(const OpContext& context, const Node& node, std::span<const ValueBuffers> in,
                                 const ValueBuffers& out) {
  return std::make_unique<GateOp>(context, node, in, out);
}

}  // namespace frugal

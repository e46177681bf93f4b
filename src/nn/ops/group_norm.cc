#include "nn/kernels/group_norm.h"

#include "nn/ops/affine.h"
#include "nn/ops/ops.h"
#include "nn/ops/samples.h"

namespace frugal {
namespace {

/// Every sample by itself, so ghost and sync are the same.
class GroupNormOp : public Op {
 public:
  GroupNormOp(const OpContext& context, const Node& node, const ValueBuffers& in, const ValueBuffers& out)
      : in_(in),
        out_(out),
        shape_{node.in.h * node.in.w, node.in.c, node.groups, node.eps},
        affine_(context, node),
        bf16_(context.bf16) {
    constexpr auto size = static_cast<int64_t>(sizeof(float));
    statistics_ = context.training ? context.add_saved(shape_.statistics() * size)
                                   : context.add_scratch(shape_.statistics() * size);
    scratch_ = context.add_scratch(0, shape_.scratch_floats() * size);
  }

  void forward(const ShardRun& run) const override {
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      for (int64_t i = 0; i < run.count; ++i) {
        group_norm_forward(shape_, data_of<T>(run, in_, i), affine_.weight(), affine_.bias(),
                           data_of<T>(run, out_, i), statistics(run, i), run.at<float>(scratch_));
      }
    });
  }

  void backward(const ShardRun& run) const override {
    const NormAffine::Gradients gradients = affine_.clear_gradients(run);
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      for (int64_t i = 0; i < run.count; ++i) {
        group_norm_backward(shape_, data_of<T>(run, in_, i), gradient_of<T>(run, out_, i), affine_.weight(),
                            statistics(run, i), gradients.weight, gradients.bias, gradient_of<T>(run, in_, i),
                            in_.accumulate, run.at<float>(scratch_));
      }
    });
  }

 private:
  float* statistics(const ShardRun& run, int64_t i) const {
    return sample<float>(run, statistics_, i, shape_.statistics());
  }

  ValueBuffers in_, out_;
  GroupNormShape shape_;
  NormAffine affine_;
  bool bf16_;
  BufferId statistics_ = -1, scratch_ = -1;
};

}  // namespace

std::unique_ptr<Op> make_group_norm_op(const OpContext& context, const Node& node,
                                       std::span<const ValueBuffers> in, const ValueBuffers& out) {
  return std::make_unique<GroupNormOp>(context, node, in[0], out);
}

}  // namespace frugal

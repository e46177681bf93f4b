#include "nn/kernels/prelu.h"

#include <algorithm>
#include <numeric>

#include "nn/ops/ops.h"

namespace frugal {
namespace {

/// A slope a channel, or one for all: then the channels' gradients are added up.
class PReluOp : public Op {
 public:
  PReluOp(const OpContext& context, const Node& node, const ValueBuffers& in, const ValueBuffers& out)
      : in_(in),
        out_(out),
        parameters_(context.parameters),
        slope_(node.parameters[0]),
        trained_(context.trains(slope_)),
        bf16_(context.bf16),
        rows_(context.add_scratch(0, 2 * in_.shape.c * static_cast<int64_t>(sizeof(float)))) {}

  void forward(const ShardRun& run) const override {
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      prelu_forward(run.at<T>(in_.data), rows(run), channels(), slopes(run), run.at<T>(out_.data));
    });
  }

  void backward(const ShardRun& run) const override {
    float* sums = run.at<float>(rows_) + channels();
    std::fill_n(sums, channels(), 0.0f);
    with_type(bf16_, [&](auto type) {
      using T = decltype(type);
      prelu_backward(run.at<T>(in_.data), run.at<T>(out_.gradient), rows(run), channels(), slopes(run),
                     in_.accumulate, run.at<T>(in_.gradient), sums);
    });
    if (!trained_) return;
    float* gradient = run.step.partials->gradient(run.shard, slope_);
    if (shared()) {
      *gradient = std::accumulate(sums, sums + channels(), 0.0f);
    } else {
      std::copy_n(sums, channels(), gradient);
    }
  }

 private:
  int64_t channels() const { return in_.shape.c; }
  int64_t rows(const ShardRun& run) const { return run.count * in_.shape.h * in_.shape.w; }
  bool shared() const { return parameters_.weight(slope_).size() == 1 && channels() > 1; }
  const float* slopes(const ShardRun& run) const {
    const float* slope = parameters_.weight(slope_).data();
    if (!shared()) return slope;
    auto* row = run.at<float>(rows_);
    std::fill_n(row, channels(), *slope);
    return row;
  }

  ValueBuffers in_, out_;
  Parameters& parameters_;
  int slope_;
  bool trained_, bf16_;
  BufferId rows_;
};

}  // namespace

std::unique_ptr<Op> make_prelu_op(const OpContext& context, const Node& node,
                                  std::span<const ValueBuffers> in, const ValueBuffers& out) {
  return std::make_unique<PReluOp>(context, node, in[0], out);
}

}  // namespace frugal

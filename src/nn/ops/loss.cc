#include "nn/kernels/convert.h"
#include "nn/ops/ops.h"

namespace frugal {
namespace {

class LossOp : public Op {
 public:
  LossOp(const OpContext& context, const ValueBuffers& logits, bool fp32)
      : logits_(logits), classes_(logits.shape.elements()), fp32_(fp32), bf16_(context.bf16) {
    const int64_t bytes = classes_ * static_cast<int64_t>(sizeof(float));
    if (!fp32_) converted_ = context.add_scratch(bytes);
    if (context.training) gradient_ = context.add_scratch(bytes);
  }

  void forward(const ShardRun& run) const override {
    const float* logits = run.at<float>(logits_.data);
    if (!fp32_) {
      auto* converted = run.at<float>(converted_);
      with_type(bf16_, [&](auto type) {
        convert(run.at<decltype(type)>(logits_.data), run.count * classes_, converted);
      });
      logits = converted;
    }
    if (gradient_ < 0) {
      (*run.step.sink)(run.first, run.count, logits);
      return;
    }
    auto* gradient = run.at<float>(gradient_);
    run.step.partials->loss(run.shard) =
        run.step.loss->compute(logits, run.count, classes_, run.step.source->targets(run.first),
                               static_cast<float>(1.0 / run.step.weight), gradient);
    with_type(bf16_, [&](auto type) {
      convert(gradient, run.count * classes_, run.at<decltype(type)>(logits_.gradient));
    });
  }

 private:
  ValueBuffers logits_;
  int64_t classes_;
  bool fp32_, bf16_;
  BufferId converted_ = -1, gradient_ = -1;
};

}  // namespace

std::unique_ptr<Op> make_loss_op(const OpContext& context, const ValueBuffers& logits, bool fp32) {
  return std::make_unique<LossOp>(context, logits, fp32);
}

}  // namespace frugal

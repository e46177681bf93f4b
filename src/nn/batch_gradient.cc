#include "nn/batch_gradient.h"

#include <algorithm>

#include "nn/kernels/moments.h"

namespace frugal {
namespace {

/// About this many numbers of the gradient are made at a time: half a megabyte stays in L2 beside its
/// operands.
constexpr int64_t tile_elements = int64_t{1} << 17;

}  // namespace

BatchGradient::BatchGradient(const DeferredGradient& plan, const BufferPlan& x_plan,
                             const BufferPlan& dy_plan, int64_t batch, bool bf16, int workers)
    : plan_(plan),
      x_(x_plan),
      dy_(dy_plan),
      batch_(batch),
      tile_rows_(std::min(plan.outputs, std::max<int64_t>(16, tile_elements / plan.inputs / 16 * 16))),
      bf16_(bf16) {
  const auto type = bf16 ? onednn::Type::bf16 : onednn::Type::f32;
  const auto make = [&](int64_t rows) {
    const onednn::Desc dy({rows, batch}, type, onednn::Dims{1, plan.outputs});  // transposed
    const onednn::Desc x({batch, plan.inputs}, type, onednn::Dims{plan.inputs, 1});
    const onednn::Desc dw({rows, plan.inputs}, onednn::Type::f32, onednn::Dims{plan.inputs, 1});
    const auto desc = onednn::matmul(dy, x, dw);
    return Primitive(desc, dnnl::matmul(desc),
                     {{DNNL_ARG_SRC, dy}, {DNNL_ARG_WEIGHTS, x}, {DNNL_ARG_DST, dw}}, workers);
  };
  full_ = make(tile_rows_);
  if (plan.outputs % tile_rows_ != 0) last_ = make(plan.outputs % tile_rows_);
}

int64_t BatchGradient::scratch_bytes() const {
  return std::max(full_.scratch_bytes(), last_.scratch_bytes());
}

void BatchGradient::run(int64_t tile, const StepContext& step, Parameters& parameters, int worker,
                        void* scratch) const {
  std::byte* x = step.batch_buffer(x_, 0);
  std::byte* dy = step.batch_buffer(dy_, 0);
  const int64_t row = tile * tile_rows_;
  const bool whole = row + tile_rows_ <= plan_.outputs;
  void* const pointers[] = {dy + row * (bf16_ ? 2 : 4), x,
                            parameters.gradient(plan_.weight).data() + row * plan_.inputs};
  (whole ? full_ : last_).run(worker, scratch, pointers);
  if (tile != 0 || plan_.bias < 0) return;
  with_type(bf16_, [&](auto type) {
    channel_sums(reinterpret_cast<const decltype(type)*>(dy), batch_, plan_.outputs,
                 parameters.gradient(plan_.bias).data());
  });
}

}  // namespace frugal

#include <vector>

#include "nn/kernels/rows.h"
#include "nn/ops/ops.h"

namespace frugal {
namespace {

/// Channels of several values side by side: at every pixel of the shard a slice for each.
class ConcatOp : public Op {
 public:
  ConcatOp(const OpContext& context, std::span<const ValueBuffers> in, const ValueBuffers& out)
      : in_(in.begin(), in.end()), out_(out), bf16_(context.bf16) {}

  void forward(const ShardRun& run) const override {
    for_slices(run, out_.data, [&]<class T>(const ValueBuffers& in, T* slice) {
      copy_rows(rows(run), in.shape.c, run.at<T>(in.data), in.shape.c, slice, out_.shape.c);
    });
  }

  void backward(const ShardRun& run) const override {
    for_slices(run, out_.gradient, [&]<class T>(const ValueBuffers& in, T* slice) {
      if (in.gradient < 0) return;
      const auto move = in.accumulate ? add_rows<T> : copy_rows<T>;
      move(rows(run), in.shape.c, slice, out_.shape.c, run.at<T>(in.gradient), in.shape.c);
    });
  }

 private:
  int64_t rows(const ShardRun& run) const { return run.count * out_.shape.h * out_.shape.w; }

  template <class F>
  void for_slices(const ShardRun& run, BufferId whole, F&& f) const {
    with_type(bf16_, [&](auto type) {
      auto* slice = run.at<decltype(type)>(whole);
      for (const ValueBuffers& in : in_) {
        f(in, slice);
        slice += in.shape.c;
      }
    });
  }

  std::vector<ValueBuffers> in_;
  ValueBuffers out_;
  bool bf16_;
};

}  // namespace

std::unique_ptr<Op> make_concat_op(const OpContext& context, const Node&, std::span<const ValueBuffers> in,
                                   const ValueBuffers& out) {
  return std::make_unique<ConcatOp>(context, in, out);
}

}  // namespace frugal

// Weight gradients of linear layers over the whole batch, dW = dY^T X, in tiles of rows that the graph alone
// fixes.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/op.h"
#include "nn/primitive.h"
#include "nn/program.h"

namespace frugal {

class BatchGradient {
 public:
  BatchGradient(const DeferredGradient& plan, const BufferPlan& x, const BufferPlan& dy, int64_t batch,
                bool bf16, int workers);

  int64_t tiles() const { return (plan_.outputs + tile_rows_ - 1) / tile_rows_; }
  int64_t scratch_bytes() const;
  /// Writes rows of the weight gradient, and with tile 0 the whole bias gradient.
  void run(int64_t tile, const StepContext& step, Parameters& parameters, int worker, void* scratch) const;

 private:
  DeferredGradient plan_;
  BufferPlan x_, dy_;
  int64_t batch_, tile_rows_;
  bool bf16_;
  Primitive full_, last_;  // a whole tile; the rest
};

}  // namespace frugal

// The fused operations that programs are planned from. Each is made for one shard size.
#pragma once

#include <memory>

#include "nn/op.h"

namespace frugal {

/// Gathers, augments and normalises straight into the first value.
std::unique_ptr<Op> make_input_op(const OpContext& context, const ValueBuffers& out);

/// `bias_gradient` is false where batch-norm follows: it takes the mean away again, so the true gradient is
/// zero.
std::unique_ptr<Op> make_conv_op(const OpContext& context, const Node& node, const ValueBuffers& in,
                                 const ValueBuffers& out, bool bias_gradient);

/// `last`: the result is the logits, in fp32. The weight gradient is left to a meeting point (see
/// DeferredGradient).
std::unique_ptr<Op> make_linear_op(const OpContext& context, const Node& node, const ValueBuffers& in,
                                   const ValueBuffers& out, bool last);

/// [affine of batch-norm] [ReLU] [dropout] [non-overlapping max-pool]; -1 where absent, else indices of
/// nodes.
struct ChainNodes {
  int norm = -1, relu = -1, dropout = -1, pool = -1;
  int norm_index = -1;  // which of the graph's batch-norms
};
std::unique_ptr<Op> make_chain_op(const OpContext& context, const ChainNodes& nodes, const ValueBuffers& in,
                                  const ValueBuffers& out);

std::unique_ptr<Op> make_max_pool_op(const OpContext& context, const Node& node, const ValueBuffers& in,
                                     const ValueBuffers& out);

/// To PyTorch's order of features.
std::unique_ptr<Op> make_flatten_op(const OpContext& context, const Node& node, const ValueBuffers& in,
                                    const ValueBuffers& out);

/// Logits to the LogitLoss and its gradient back (training), or to the sink (evaluation). `fp32`: the type of
/// the logits; their gradient has the program's type.
std::unique_ptr<Op> make_loss_op(const OpContext& context, const ValueBuffers& logits, bool fp32);

}  // namespace frugal

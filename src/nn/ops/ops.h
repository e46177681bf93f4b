// The fused operations that programs are planned from. Each is made for one shard size.
#pragma once

#include <memory>
#include <span>

#include "nn/op.h"

namespace frugal {

/// Gathers, augments and normalises straight into the first value.
std::unique_ptr<Op> make_input_op(const OpContext& context, const ValueBuffers& out);

/// `bias_gradient` is false where batch-norm follows: it takes the mean away again, so the true gradient is
/// zero.
std::unique_ptr<Op> make_conv_op(const OpContext& context, const Node& node, const ValueBuffers& in,
                                 const ValueBuffers& out, bool bias_gradient);

/// Whether a convolution is a depthwise one that our own kernels do faster than oneDNN, which has fast ones
/// for 3x3 alone.
bool takes_depthwise_op(const Node& conv);
std::unique_ptr<Op> make_depthwise_op(const OpContext& context, const Node& node, const ValueBuffers& in,
                                      const ValueBuffers& out, bool bias_gradient);

/// `last`: the result is the logits, in fp32. The weight gradient is left to a meeting point (see
/// DeferredGradient).
std::unique_ptr<Op> make_linear_op(const OpContext& context, const Node& node, const ValueBuffers& in,
                                   const ValueBuffers& out, bool last);

/// Nodes of a chain in the order in which they act, -1 where absent: batch-norm or scale (which a batch-norm
/// of fixed statistics is), drop-path, the other side of an addition, activation, dropout, non-overlapping
/// max-pool (after batch-norm, ReLU and dropout alone).
struct ChainNodes {
  int norm = -1, scale = -1, drop_path = -1, add = -1, activation = -1, dropout = -1, pool = -1;
  int norm_index = -1;  // which of the graph's batch-norms
  bool empty() const {
    return norm < 0 && scale < 0 && drop_path < 0 && add < 0 && activation < 0 && dropout < 0 && pool < 0;
  }
};
/// `in`: what the chain starts from and, with an addition, its other side.
std::unique_ptr<Op> make_chain_op(const OpContext& context, const ChainNodes& nodes,
                                  std::span<const ValueBuffers> in, const ValueBuffers& out);
/// What its backward reads and where it may write; `addend`: it also reads the other side of the addition.
struct ChainNeeds {
  bool input = false, addend = false, output = false;
};
ChainNeeds chain_needs(const Graph& graph, const ChainNodes& nodes);

/// Activation with learned slopes; the others belong to chains.
std::unique_ptr<Op> make_prelu_op(const OpContext& context, const Node& node,
                                  std::span<const ValueBuffers> in, const ValueBuffers& out);

/// max_pool and adaptive_max_pool.
std::unique_ptr<Op> make_max_pool_op(const OpContext& context, const Node& node,
                                     std::span<const ValueBuffers> in, const ValueBuffers& out);

/// To PyTorch's order of features.
std::unique_ptr<Op> make_flatten_op(const OpContext& context, const Node& node,
                                    std::span<const ValueBuffers> in, const ValueBuffers& out);

/// Logits to the LogitLoss and its gradient back (training), or to the sink (evaluation). `fp32`: the type of
/// the logits; their gradient has the program's type.
std::unique_ptr<Op> make_loss_op(const OpContext& context, const ValueBuffers& logits, bool fp32);

/// avg_pool, adaptive_avg_pool and blur_pool: whatever is a weighted sum of positions.
std::unique_ptr<Op> make_resample_op(const OpContext& context, const Node& node,
                                     std::span<const ValueBuffers> in, const ValueBuffers& out);

std::unique_ptr<Op> make_group_norm_op(const OpContext& context, const Node& node,
                                       std::span<const ValueBuffers> in, const ValueBuffers& out);
std::unique_ptr<Op> make_layer_norm_op(const OpContext& context, const Node& node,
                                       std::span<const ValueBuffers> in, const ValueBuffers& out);

/// `in`: x, then the factors of its channels.
std::unique_ptr<Op> make_gate_op(const OpContext& context, const Node& node, std::span<const ValueBuffers> in,
                                 const ValueBuffers& out);
std::unique_ptr<Op> make_concat_op(const OpContext& context, const Node& node,
                                   std::span<const ValueBuffers> in, const ValueBuffers& out);
std::unique_ptr<Op> make_pad_channels_op(const OpContext& context, const Node& node,
                                         std::span<const ValueBuffers> in, const ValueBuffers& out);

}  // namespace frugal

#include "nn/ops/make.h"

#include "base/error.h"

namespace frugal {

std::unique_ptr<Op> make_op(const OpContext& context, const Group& group, std::span<const ValueBuffers> in,
                            const ValueBuffers& out, bool fp32_logits) {
  if (group.kind == GroupKind::chain) return make_chain_op(context, group.chain, in, out);
  const Node& node = context.graph.nodes[static_cast<size_t>(group.node)];
  switch (node.kind) {
    case OpKind::conv2d:
      return takes_depthwise_op(node) ? make_depthwise_op(context, node, in[0], out, !group.norm_follows)
                                      : make_conv_op(context, node, in[0], out, !group.norm_follows);
    case OpKind::linear:
      return make_linear_op(context, node, in[0], out, fp32_logits);
    case OpKind::activation:
      return make_prelu_op(context, node, in, out);
    case OpKind::max_pool:
    case OpKind::adaptive_max_pool:
      return make_max_pool_op(context, node, in, out);
    case OpKind::avg_pool:
    case OpKind::adaptive_avg_pool:
    case OpKind::blur_pool:
      return make_resample_op(context, node, in, out);
    case OpKind::group_norm:
      return make_group_norm_op(context, node, in, out);
    case OpKind::layer_norm:
      return make_layer_norm_op(context, node, in, out);
    case OpKind::gate:
      return make_gate_op(context, node, in, out);
    case OpKind::concat:
      return make_concat_op(context, node, in, out);
    case OpKind::pad_channels:
      return make_pad_channels_op(context, node, in, out);
    case OpKind::flatten:
      return make_flatten_op(context, node, in, out);
    default:
      throw Error("internal error: " + node.name + " should have become part of a chain");
  }
}

}  // namespace frugal

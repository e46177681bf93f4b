// The op of a group, whatever its kind.
#pragma once

#include "nn/fusion.h"

namespace frugal {

/// `fp32_logits`: the group is the last linear layer, and yields fp32.
std::unique_ptr<Op> make_op(const OpContext& context, const Group& group, std::span<const ValueBuffers> in,
                            const ValueBuffers& out, bool fp32_logits);

}  // namespace frugal

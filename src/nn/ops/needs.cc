#include "nn/ops/needs.h"

namespace frugal {

BackwardNeeds backward_needs(const Node& node) {
  switch (node.kind) {
    case OpKind::conv2d:
      return {.input = true, .in_place = true};  // the weight gradient is made first
    case OpKind::linear:
      return {.input = true};  // read again when the whole batch is through
    case OpKind::activation:   // PReLU
    case OpKind::group_norm:
    case OpKind::layer_norm:
    case OpKind::gate:
      return {.input = true, .in_place = true};
    default:
      return {};
  }
}

}  // namespace frugal

// Batch-norm taken into the layer before it: in evaluation both are one affine map a channel.
#pragma once

#include <vector>

#include "graph/graph.h"
#include "interop/onnx_export_ops.h"

namespace frugal {

/// By node: the batch-norm that is to be folded into it, a convolution or linear layer whose output nothing
/// else reads; -1 for none.
std::vector<int> foldable_norms(const Graph& graph);

struct FoldedLayer {
  std::vector<float> weight, bias;
};
/// Weight and bias of `layer` followed by `norm`, computed in double.
FoldedLayer fold(const OnnxExport& from, const Node& layer, const Node& norm);

}  // namespace frugal

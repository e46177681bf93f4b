// Arithmetic on small constant tensors of whole numbers: PyTorch's exporter computes the borders of a padding
// from constants, in half a dozen nodes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "interop/onnx.pb.h"

namespace frugal {

struct SmallTensor {
  std::vector<int64_t> dims, values;
};

/// What the node makes of these inputs; nothing where it is not one of the operators for shapes and borders,
/// does not fit them, or makes more than `most` elements.
std::optional<SmallTensor> computed(const onnx::Node& node, const std::vector<SmallTensor>& inputs,
                                    int64_t most);

}  // namespace frugal

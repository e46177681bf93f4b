// The layers of a network in an ONNX file: most are one node, some are several that only together are a layer
// of ours (GELU, SiLU, group norm, PyTorch's padded pools, ...). Looks at nodes alone, not at shapes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "interop/onnx_graph.h"

namespace frugal {

struct OnnxStep {
  const onnx::Node* node = nullptr;      // the last of its nodes: what errors name, and what makes the value
  std::string op;                        // the node's operator, or a name of ours for several nodes
  std::vector<std::string> inputs = {};  // values, then constants; "": left out
  std::string module = {};               // what a node says of the layer's name
  Activation activation = Activation::relu;  // "activation"
  std::vector<int64_t> numbers = {};         // "group_norm": groups; "pad_channels": strides, before, behind;
                                             // pools and convolutions: further pads
  float eps = 0;                             // norms
};

/// Only what the output depends on, in the order of the file.
///
/// Names of ours and their inputs: activation (x), linear (x, weight [in, out], bias), scale (x, weight,
/// bias), group_norm (x, shape of its result, weight, bias), layer_norm (x, weight, bias), blur_pool (x,
/// filter), adaptive_avg_pool (x, matrices for rows and columns), adaptive_max_pool (x, numbers of rows and
/// columns), pad_channels (x).
std::vector<OnnxStep> find_steps(const OnnxGraph& graph);

}  // namespace frugal

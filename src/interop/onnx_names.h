// PyTorch's module names out of ONNX files: "layer1.0.conv1" of a weight "layer1.0.conv1.weight", or of a
// node
// "/layer1/layer1.0/conv1/Conv".
#pragma once

#include <string>

#include "interop/onnx.pb.h"

namespace frugal {

/// Empty where the name is none of a module's parameter.
std::string module_of_parameter(const std::string& name);

/// Empty where the node has no name, or one that says no more than its number.
std::string module_of_node(const onnx::Node& node);

}  // namespace frugal

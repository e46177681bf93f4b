// How single operations of a Graph become ONNX nodes: those that need more than one, or more than a name.
// What they write is what the import (onnx_patterns.h) knows again.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "interop/onnx_writer.h"
#include "nn/parameters.h"

namespace frugal {

/// A value of the exported network: [N, C, H, W], or [N, C] once it was flattened.
struct OnnxValue {
  std::string name;
  int rank = 4;
};

struct OnnxExport {
  const Graph& graph;
  const Parameters& parameters;
  OnnxWriter& out;

  std::span<const float> weight(int parameter) const;
  std::span<const float> buffer(int buffer) const;
  /// The i-th parameter of the node, written with these dimensions.
  std::string parameter(const Node& node, size_t i, const std::vector<int64_t>& shape) const;
  /// The same, to be broadcast over `x`: one number a channel.
  std::string by_channel(const Node& node, size_t i, const OnnxValue& x) const;
};

// Each takes the value that the node reads and what to call the one that it makes, whose name it returns.
std::string export_activation(const OnnxExport& to, const Node& node, const OnnxValue& x,
                              const std::string& name);
std::string export_scale(const OnnxExport& to, const Node& node, const OnnxValue& x, const std::string& name);
std::string export_batch_norm(const OnnxExport& to, const Node& node, const OnnxValue& x,
                              const std::string& name);
std::string export_group_norm(const OnnxExport& to, const Node& node, const OnnxValue& x,
                              const std::string& name);
std::string export_layer_norm(const OnnxExport& to, const Node& node, const OnnxValue& x,
                              const std::string& name);
// These read images.
std::string export_pool(const OnnxExport& to, const Node& node, const std::string& x,
                        const std::string& name);
std::string export_adaptive_pool(const OnnxExport& to, const Node& node, const std::string& x,
                                 const std::string& name);
std::string export_blur_pool(const OnnxExport& to, const Node& node, const std::string& x,
                             const std::string& name);
std::string export_pad_channels(const OnnxExport& to, const Node& node, const std::string& x,
                                const std::string& name);

}  // namespace frugal

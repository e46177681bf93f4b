#include "interop/onnx_fold.h"

#include <cmath>

namespace frugal {

std::vector<int> foldable_norms(const Graph& graph) {
  std::vector<int> readers(graph.nodes.size(), 0), folded(graph.nodes.size(), -1);
  for (const Node& node : graph.nodes) {
    for (const int input : node.inputs) ++readers[static_cast<size_t>(input)];
  }
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.kind != OpKind::batch_norm) continue;
    const auto before = static_cast<size_t>(node.inputs[0]);
    const OpKind kind = graph.nodes[before].kind;
    if ((kind == OpKind::conv2d || kind == OpKind::linear) && readers[before] == 1) {
      folded[before] = static_cast<int>(i);
    }
  }
  return folded;
}

FoldedLayer fold(const OnnxExport& from, const Node& layer, const Node& norm) {
  const std::span<const float> weight = from.weight(layer.parameters[0]);
  const std::span<const float> gamma = from.weight(norm.parameters[0]),
                               beta = from.weight(norm.parameters[1]);
  const std::span<const float> mean = from.buffer(norm.buffers[0]), variance = from.buffer(norm.buffers[1]);
  const size_t channels = gamma.size(), each = weight.size() / channels;
  FoldedLayer folded;
  folded.weight.reserve(weight.size());
  for (size_t c = 0; c < channels; ++c) {
    const double factor = static_cast<double>(gamma[c]) /
                          std::sqrt(static_cast<double>(variance[c]) + static_cast<double>(norm.eps));
    for (size_t i = 0; i < each; ++i) {
      folded.weight.push_back(static_cast<float>(factor * static_cast<double>(weight[c * each + i])));
    }
    const double bias = layer.bias ? static_cast<double>(from.weight(layer.parameters[1])[c]) : 0.0;
    folded.bias.push_back(
        static_cast<float>((bias - static_cast<double>(mean[c])) * factor + static_cast<double>(beta[c])));
  }
  return folded;
}

}  // namespace frugal

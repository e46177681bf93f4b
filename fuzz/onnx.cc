// ONNX files: what is read is a network with all its weights, and becomes a model file of the same
// parameters.
#include "interop/onnx_import.h"

#include "graph/model_file.h"
#include "scratch.h"

using namespace frugal;

namespace {

void check(const OnnxNetwork& network) {
  const Graph& graph = network.graph;
  demand(network.weights.tensors.size() == graph.parameters.size() + graph.buffers.size());
  for (size_t i = 0; i < graph.parameters.size(); ++i) {
    const TensorRecord& tensor = network.weights.tensors[i];
    demand(tensor.name == graph.parameters[i].name && tensor.shape == graph.parameters[i].shape);
    demand(to_floats(tensor).size() == static_cast<size_t>(graph.parameters[i].elements()));
  }
  if (graph.nodes.size() == 1) return;  // the images themselves: no model file says that
  const Graph back = parse_model(write_model(graph), "back.toml", graph.input, graph.classes);
  demand(back.parameters.size() == graph.parameters.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try_to([&] { check(within_memory(size, [&] { return parse_onnx({data, size}, "input.onnx"); })); });
  return 0;
}

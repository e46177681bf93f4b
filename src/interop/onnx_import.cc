#include "interop/onnx_import.h"

#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "interop/onnx_file.h"
#include "interop/onnx_graph.h"
#include "interop/onnx_importer.h"

namespace frugal {
namespace {

OnnxNetwork network_of(const onnx::Model& model, const std::string& file, Shape otherwise) {
  const OnnxGraph graph(model, file);
  OnnxImporter importer(graph, otherwise);
  OnnxNetwork network{importer.build(), {}};
  // Layers may share a tensor, as PyTorch writes equal ones once; a small file must not become a large
  // network by it.
  constexpr double most_sharing = 16, always = 1 << 20;
  const auto bytes = static_cast<double>(model.ByteSizeLong());
  double numbers = 0;
  for (const ParameterSpec& parameter : network.graph.parameters) {
    numbers += static_cast<double>(parameter.elements());
  }
  if (numbers > most_sharing * bytes + always) {
    throw Error(file + ": its layers share weights so often that they come to many times the file; refused");
  }
  network.weights = importer.weights(network.graph);
  network.weights.format = "ONNX";
  for (const onnx::Pair& pair : model.metadata_props()) network.weights.metadata[pair.key()] = pair.value();
  return network;
}

}  // namespace

OnnxNetwork read_onnx(const std::filesystem::path& path, Shape otherwise) {
  return network_of(read_onnx_model(path), path.string(), otherwise);
}

OnnxNetwork parse_onnx(std::span<const uint8_t> bytes, const std::string& file, Shape otherwise) {
  return network_of(parse_onnx_model(bytes, file), file, otherwise);
}

TensorFile read_onnx_weights(const std::filesystem::path& path) { return read_onnx(path).weights; }

}  // namespace frugal

// Networks from ONNX files, as PyTorch's exporter and ours write them, made of the operations that we have.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/tensor_file.h"
#include "graph/graph.h"

namespace frugal {

struct OnnxNetwork {
  Graph graph;
  /// Graph::parameters, then Graph::buffers, under their names and in their shapes.
  TensorFile weights;
};

/// The network in the file and its weights. Layers are called as their weights are in the file
/// ("layer1.0.conv1.weight"), else as their nodes. Where the file leaves the image's height or width open,
/// those of `otherwise` hold. What is not understood is an Error that names node and operator and says why;
/// data in other files is not followed. At most 1 GiB.
OnnxNetwork read_onnx(const std::filesystem::path& path, Shape otherwise = {32, 32, 3});
/// The same from memory; `file` is what errors call it.
OnnxNetwork parse_onnx(std::span<const uint8_t> bytes, const std::string& file,
                       Shape otherwise = {32, 32, 3});

/// The weights alone.
TensorFile read_onnx_weights(const std::filesystem::path& path);

}  // namespace frugal

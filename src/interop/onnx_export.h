// A network with its weights as an ONNX file, for onnxruntime and whatever else reads the format: opset 17,
// IR 8, input "input" [batch, C, H, W], output "logits" [batch, classes].
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "nn/parameters.h"

namespace frugal {

struct OnnxExportOptions {
  /// Each batch-norm goes into the convolution or linear layer before it, where that feeds nothing else.
  bool fold_batch_norm = false;
  /// The exported network takes pixels in [0, 1] and normalises them itself; without it, it takes what the
  /// trained network sees: (pixel - mean) / std.
  bool normalise = false;
  // Kept in the file's metadata. `mean` and `std` are of pixels in [0, 1], a value a channel.
  std::vector<std::string> classes = {};
  std::vector<float> mean = {}, std = {};
  std::string version = {};  // of frugal
};

/// The file's bytes. The network is as in evaluation: dropout and drop-path are left out. What ONNX has no
/// operator for is put together from others, as docs/onnx.md says.
std::string export_onnx(const Graph& graph, const Parameters& parameters, const OnnxExportOptions& options);

/// The classes, mean and std that a file's metadata name. What is not there, or not as export_onnx writes it,
/// is left empty.
OnnxExportOptions described_options(const std::map<std::string, std::string>& metadata);

}  // namespace frugal

// Networks with weights that are all different, to be exported, and what our engine makes of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/tensor_file.h"
#include "graph/graph.h"
#include "interop/onnx_export.h"
#include "nn/parameters.h"

namespace frugal {

/// Initialised, then every norm, bias and statistic made uneven.
Parameters random_parameters(const Graph& graph);

/// As the tensors of `file` say; what is missing or of another shape fails the test.
Parameters parameters_of(const Graph& graph, const TensorFile& file);

/// [count, h, w, c] in about [-2, 2].
std::vector<float> random_images(const Shape& shape, int64_t count);

/// [count, classes], in fp32.
std::vector<float> logits(const Graph& graph, const Parameters& parameters, std::span<const float> images);

/// The graph that comes back out of an ONNX file: as in evaluation, with PyTorch's default initialisers, and
/// with plain pools for what adaptive ones come to.
Graph as_in_onnx(const Graph& graph);

/// One graph with every operation and attribute that no preset has.
Graph everything();

/// Average and max pools of every kind of rounding and padding; those of the second list are not read back.
struct PoolGraphs {
  std::vector<Graph> read_back, written;
};
PoolGraphs pool_graphs();

/// Whether a pool of the graph counts padding and rounds up, which ONNX cannot say: not read back.
bool counts_and_rounds_up(const Graph& graph);

/// The largest difference, as a part of the largest number (at least 1).
double difference(std::span<const float> a, std::span<const float> b);

std::span<const uint8_t> bytes_of(const std::string& text);

}  // namespace frugal

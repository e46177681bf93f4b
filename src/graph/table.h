// The layer table of a graph: what each operation makes, how many parameters it has and what it costs, as
// text for people and as JSON for programs. Shapes are written channels x height x width, as PyTorch's users
// know them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace frugal {

/// One operation. Activation bytes are those of its output for one image in fp32 (half of that in bf16).
struct LayerRow {
  std::string name;  // "conv1"
  std::string kind;  // "conv 3x3, padding 1"
  Shape out;
  int64_t parameters = 0;
  int64_t macs = 0;  // multiply-accumulates of one image, forward
  int64_t activation_bytes = 0;
};

/// A row a node, the input first.
std::vector<LayerRow> layer_rows(const Graph& graph);

/// "64 x 16 x 16"; flat features are "420".
std::string shape_text(const Shape& shape);

/// "996,376 parameters", or "1,977,620 parameters (1,977,332 of them trainable)".
std::string parameters_text(const Graph& graph);

/// Aligned columns in lines of `width` characters (0: any), a line of totals, newline at the end.
std::string layer_table(const Graph& graph, size_t width = 0);

/// {"model", "input", "classes", "parameters", "trainable_parameters", "macs", "activation_bytes",
/// "layers": [...]}; one line, no newline.
std::string layer_table_json(const Graph& graph);

/// "11.2M", "996k", "512": three digits, for counts where the last ones say nothing.
std::string short_count(int64_t value);

/// The `n` layers with the most parameters, largest first: what to shrink when a model is over its limit.
std::vector<LayerRow> largest_layers(const Graph& graph, size_t n);

}  // namespace frugal

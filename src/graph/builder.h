// Builds a Graph by functions that read like the model's definition: each takes a value and returns the next
// one.
#pragma once

#include <string>

#include "graph/graph.h"

namespace frugal {

/// Names a node of the graph under construction.
struct Value {
  int node = 0;
};

struct ConvOptions {
  int kernel = 3, stride = 1, padding = 0;
  bool bias = true;
};

/// Every function checks its input's shape and throws an Error that names the layer when it does not fit.
class GraphBuilder {
 public:
  GraphBuilder(std::string model, Shape input);

  Value input() const { return {0}; }
  Value conv2d(const std::string& name, Value x, int64_t out_channels, ConvOptions options = {});
  Value batch_norm(const std::string& name, Value x, float eps = 1e-5f, float momentum = 0.1f);
  Value relu(Value x);
  Value dropout(const std::string& name, Value x, float rate);
  /// stride 0 means kernel; floor mode, as PyTorch's default.
  Value max_pool(Value x, int kernel, int stride = 0, int padding = 0);
  /// [h, w, c] to h*w*c features in PyTorch's order: channel, row, column.
  Value flatten(Value x);
  Value linear(const std::string& name, Value x, int64_t out_features, bool bias = true);

  const Shape& shape(Value x) const { return graph_.nodes[static_cast<size_t>(x.node)].out; }
  /// `logits` must be the last value made; its features are the classes.
  Graph finish(Value logits);

 private:
  Value add(Node node, Value x);
  void add_parameter(Node& node, const std::string& suffix, std::vector<int64_t> shape, Init init,
                     int64_t fan_in = 1);
  Graph graph_;
};

}  // namespace frugal

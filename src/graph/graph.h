// A network as a value: nodes in execution order, the shapes between them, the names and shapes of its
// parameters. Nothing here computes; `nn` plans a Graph into a Program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace frugal {

/// What one sample looks like between two nodes. Flat features are [1, 1, C].
struct Shape {
  int64_t h = 1, w = 1, c = 1;
  int64_t elements() const { return h * w * c; }
  bool operator==(const Shape&) const = default;
};

enum class OpKind { input, conv2d, batch_norm, relu, dropout, max_pool, flatten, linear };

/// How a parameter starts. `uniform_fan_in` is PyTorch's default for convolutions and linear layers:
/// uniform in ±1/sqrt(fan_in), for weights and biases alike.
enum class Init { zeros, ones, uniform_fan_in };

/// One trainable tensor, in PyTorch's name and shape (OIHW, [out, in]).
struct ParameterSpec {
  std::string name;
  std::vector<int64_t> shape;
  Init init = Init::zeros;
  int64_t fan_in = 1;
  int64_t elements() const;
};

/// One tensor of state that is not trained: running statistics.
struct BufferSpec {
  std::string name;
  std::vector<int64_t> shape;
  float initial = 0;
};

/// One operation. Which attributes mean something depends on `kind`; the builder is the only one to set them.
struct Node {
  OpKind kind = OpKind::input;
  std::string name;                         // PyTorch's module name, "conv1"
  std::vector<int> inputs;                  // indices of earlier nodes
  Shape in, out;                            // of the first input, and of the result
  int kernel = 1, stride = 1, padding = 0;  // conv2d, max_pool (square)
  bool bias = false;                        // conv2d, linear
  float rate = 0;                           // dropout
  float eps = 1e-5f, momentum = 0.1f;       // batch_norm
  std::vector<int> parameters;              // indices into Graph::parameters: weight, then bias
  std::vector<int> buffers;                 // indices into Graph::buffers: running_mean, running_var
  int64_t macs() const;                     // multiply-accumulates of one sample
};

struct Graph {
  std::string model;  // the spec that made it, "smallnet"
  Shape input;
  int64_t classes = 0;
  std::vector<Node> nodes;  // topological order; nodes[0] is the input, the last one yields the logits
  std::vector<ParameterSpec> parameters;  // PyTorch's order
  std::vector<BufferSpec> buffers;        // PyTorch's order
  int64_t parameter_count() const;
  int64_t macs() const;  // of one sample, forward
};

}  // namespace frugal

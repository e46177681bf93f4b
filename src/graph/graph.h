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

/// A number for each of height and width; one number stands for both.
struct Extent {
  int h = 1, w = 1;
  constexpr Extent(int both) : h(both), w(both) {}  // NOLINT(google-explicit-constructor)
  constexpr Extent(int height, int width) : h(height), w(width) {}
  bool operator==(const Extent&) const = default;
};

enum class OpKind {
  input,
  conv2d,             // parameters: weight [, bias]
  linear,             // parameters: weight [, bias]
  batch_norm,         // parameters: weight, bias; buffers: running_mean, running_var
  group_norm,         // parameters: [weight, bias]; instance norm has a group a channel
  layer_norm,         // over the channels of each position; parameters: weight, bias
  scale,              // y = factor * weight * x + bias; parameters: [weight [c] or [1]] [, bias [c]]
  activation,         // parameters: [weight [c] or [1]] of PReLU
  dropout,            // of elements
  drop_path,          // of samples (stochastic depth)
  max_pool,           // windows
  avg_pool,           // windows
  adaptive_avg_pool,  // windows follow from the output's shape; 1x1 is global
  adaptive_max_pool,
  blur_pool,     // a fixed binomial filter with stride, reflected at the edges
  flatten,       // to PyTorch's order of features: channel, row, column
  add,           // two inputs of one shape
  concat,        // of channels, any number of inputs
  gate,          // inputs: x and [1, 1, c] factors of its channels (squeeze-and-excitation)
  pad_channels,  // zero channels before and behind, every stride-th position: ResNet's shortcut of type A
};

enum class Activation {
  relu,
  relu6,
  leaky_relu,  // Node::alpha: slope below zero
  prelu,
  elu,  // Node::alpha
  gelu,
  gelu_tanh,
  silu,
  mish,
  hardswish,
  hardsigmoid,
  sigmoid,
  tanh,
};
/// PyTorch's names in lower case: "leaky_relu".
const char* activation_name(Activation activation);

/// How a parameter starts; fans are PyTorch's, of the weight's shape.
enum class Init {
  zeros,
  ones,
  uniform_fan_in,  // PyTorch's default for convolutions and linear layers: within 1/sqrt(fan_in) of zero
  kaiming_normal,  // deviation sqrt(2 / fan_in); He et al. 2015
  kaiming_normal_fan_out,
  kaiming_uniform,
  xavier_normal,  // deviation sqrt(2 / (fan_in + fan_out)); Glorot & Bengio 2010
  xavier_uniform,
  normal,      // deviation ParameterSpec::value
  constant,    // ParameterSpec::value
  orthogonal,  // Saxe et al. 2014
  dirac,       // the first filters pass their channel on, the rest as uniform_fan_in (airbench)
  whitening,   // zero until the data set is known; Keller Jordan's airbench
};
/// The names that people write: "kaiming_normal", "dirac"; "default" is uniform_fan_in.
const char* init_name(Init init);

/// One tensor, in PyTorch's name and shape (OIHW, [out, in]).
struct ParameterSpec {
  std::string name;
  std::vector<int64_t> shape;
  Init init = Init::zeros;
  int64_t fan_in = 1;     // of the weight, also for its bias
  float value = 0;        // constant, normal
  bool trainable = true;  // false: part of the model, but left as it starts
  int64_t elements() const;
};

/// A usage error where its initialisation would take longer than anyone waits.
void require_quick_init(const ParameterSpec& spec);

/// One tensor of state that is not trained: running statistics.
struct BufferSpec {
  std::string name;
  std::vector<int64_t> shape;
  float initial = 0;
};

/// One operation. Which attributes mean something depends on `kind`; the builder is the only one to set them.
struct Node {
  OpKind kind = OpKind::input;
  std::string name;                                          // PyTorch's module name, "layer1.0.conv1"
  std::vector<int> inputs;                                   // indices of earlier nodes
  Shape in, out;                                             // of the first input, and of the result
  Extent kernel = 1, stride = 1, padding = 0, dilation = 1;  // conv2d, pools; pad_channels: stride
  int groups = 1;                                            // conv2d, group_norm
  bool bias = false;                                         // conv2d, linear
  bool ceil_mode = false;                                    // max_pool, avg_pool
  bool count_include_pad = true;                             // avg_pool
  Activation activation = Activation::relu;
  float alpha = 0;                     // leaky_relu, elu
  float rate = 0;                      // dropout, drop_path
  float eps = 1e-5f, momentum = 0.1f;  // norms
  bool fixed_statistics = false;       // batch_norm: training normalises as evaluation does
  float factor = 1;                    // scale
  int64_t channels_before = 0;         // pad_channels
  std::vector<int> parameters;         // indices into Graph::parameters: weight, then bias
  std::vector<int> buffers;            // indices into Graph::buffers: running_mean, running_var
  int key = 0;                         // of its random numbers: its index in the whole network
  int64_t macs() const;                // multiply-accumulates of one sample
  bool is_relu() const { return kind == OpKind::activation && activation == Activation::relu; }
  bool depthwise() const { return kind == OpKind::conv2d && groups > 1 && groups == in.c; }
};

struct Graph {
  std::string model;       // the spec that made it: "smallnet", "nets/my.toml:width=96"
  std::string model_file;  // the text of the model file that made it; empty: a preset
  Shape input;
  int64_t classes = 0;
  std::vector<Node> nodes;  // topological order; nodes[0] is the input, the last one yields the logits
  std::vector<ParameterSpec> parameters;  // PyTorch's order
  std::vector<BufferSpec> buffers;        // PyTorch's order
  int64_t parameter_count() const;        // trainable and not
  int64_t trainable_count() const;
  int64_t macs() const;  // of one sample, forward
};

}  // namespace frugal

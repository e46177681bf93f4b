#include "interop/onnx_importer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.h"
#include "base/text.h"
#include "graph/table.h"
#include "interop/onnx_file.h"
#include "interop/onnx_names.h"

namespace frugal {
namespace {

constexpr int64_t largest_side = 16384;

/// What people meet and can do something about.
std::string advice(const std::string& op) {
  if (op == "Softmax" || op == "LogSoftmax") {
    return "frugal's networks yield logits; export the network without its last layer";
  }
  if (op == "Sub") return "if it normalises the images, export the network without: frugal does that itself";
  if (op == "If" || op == "Loop" || op == "Scan") return "frugal's networks have no control flow";
  if (op.starts_with("Quantize") || op.starts_with("Dequantize") || op.starts_with("QLinear")) {
    return "frugal reads networks in floating point";
  }
  if (op == "GroupNormalization") {
    return "frugal knows group norms as PyTorch writes them below opset 18: Reshape, InstanceNormalization, "
           "Reshape";
  }
  if (op == "Transpose") return "frugal's images are [batch, channels, height, width] throughout";
  return "frugal has no such operation";
}

/// [rows, columns] to [columns, rows].
std::vector<uint8_t> transpose(const std::vector<uint8_t>& bytes, size_t rows, size_t columns) {
  std::vector<uint8_t> result(bytes.size());
  const size_t width = rows * columns == 0 ? 0 : bytes.size() / (rows * columns);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < columns; ++c) {
      std::memcpy(result.data() + (c * rows + r) * width, bytes.data() + (r * columns + c) * width, width);
    }
  }
  return result;
}

}  // namespace

OnnxImporter::OnnxImporter(const OnnxGraph& graph, Shape otherwise)
    : graph_(graph), net_(graph.file(), input_shape(graph, otherwise)) {
  const onnx::Dimension& batch = graph.input().type().tensor_type().shape().dim(0);
  if (batch.has_value() && batch.value() > 0) batch_ = batch.value();
  values_[graph.input().name()] = {net_.input(), 4};
}

Shape OnnxImporter::input_shape(const OnnxGraph& graph, Shape otherwise) {
  const onnx::TensorShape& shape = graph.input().type().tensor_type().shape();
  const std::string where = graph.file() + ": its input " + in_quotes(graph.input().name());
  if (shape.dim_size() != 4) {
    throw Error(where + " has " + std::to_string(shape.dim_size()) +
                " dimensions; frugal's networks read images, [batch, channels, height, width]");
  }
  std::array<int64_t, 3> extents = {0, otherwise.h, otherwise.w};
  for (size_t i = 0; i < extents.size(); ++i) {
    const onnx::Dimension& dim = shape.dim(static_cast<int>(i) + 1);
    if (dim.has_value()) extents[i] = dim.value();
    if (extents[i] < 1 || extents[i] > largest_side) {
      throw Error(where + " has no usable size: " +
                  (i == 0   ? "the number of channels"
                   : i == 1 ? "the height"
                            : "the width") +
                  " must be 1 to " + std::to_string(largest_side));
    }
  }
  return {extents[1], extents[2], extents[0]};
}

OnnxImporter::Handler OnnxImporter::handler(const std::string& op) {
  static const std::map<std::string, Handler> handlers = {
      {"Conv", &OnnxImporter::add_conv},
      {"Gemm", &OnnxImporter::add_gemm},
      {"MatMul", &OnnxImporter::add_linear},
      {"linear", &OnnxImporter::add_linear},
      {"BatchNormalization", &OnnxImporter::add_batch_norm},
      {"group_norm", &OnnxImporter::add_group_norm},
      {"InstanceNormalization", &OnnxImporter::add_instance_norm},
      {"LayerNormalization", &OnnxImporter::add_layer_norm},
      {"layer_norm", &OnnxImporter::add_layer_norm},
      {"PRelu", &OnnxImporter::add_prelu},
      {"scale", &OnnxImporter::add_scale},
      {"activation", &OnnxImporter::add_activation},
      {"Relu", &OnnxImporter::add_simple_activation},
      {"LeakyRelu", &OnnxImporter::add_simple_activation},
      {"Elu", &OnnxImporter::add_simple_activation},
      {"Sigmoid", &OnnxImporter::add_simple_activation},
      {"Tanh", &OnnxImporter::add_simple_activation},
      {"Gelu", &OnnxImporter::add_simple_activation},
      {"Mish", &OnnxImporter::add_simple_activation},
      {"HardSwish", &OnnxImporter::add_simple_activation},
      {"HardSigmoid", &OnnxImporter::add_simple_activation},
      {"Clip", &OnnxImporter::add_clip},
      {"Dropout", &OnnxImporter::add_dropout},
      {"MaxPool", &OnnxImporter::add_pool},
      {"AveragePool", &OnnxImporter::add_pool},
      {"GlobalAveragePool", &OnnxImporter::add_global_pool},
      {"GlobalMaxPool", &OnnxImporter::add_global_pool},
      {"ReduceMean", &OnnxImporter::add_mean},
      {"adaptive_avg_pool", &OnnxImporter::add_adaptive_average},
      {"adaptive_max_pool", &OnnxImporter::add_adaptive_max},
      {"blur_pool", &OnnxImporter::add_blur},
      {"pad_channels", &OnnxImporter::add_pad_channels},
      {"Add", &OnnxImporter::add_sum},
      {"Mul", &OnnxImporter::add_product},
      {"Div", &OnnxImporter::add_quotient},
      {"Identity", &OnnxImporter::add_identity},
      {"Cast", &OnnxImporter::add_identity},
      {"Concat", &OnnxImporter::add_concat},
      {"Flatten", &OnnxImporter::add_flatten},
      {"Reshape", &OnnxImporter::add_reshape},
      {"Squeeze", &OnnxImporter::add_squeeze},
      {"Unsqueeze", &OnnxImporter::add_unsqueeze},
      {"Shape", &OnnxImporter::add_shape},
      {"Gather", &OnnxImporter::add_gather},
      {"Pad", &OnnxImporter::add_pad},
  };
  const auto found = handlers.find(op);
  return found == handlers.end() ? nullptr : found->second;
}

void OnnxImporter::add(const OnnxStep& step) {
  const std::string& domain = step.node->domain();
  if (!domain.empty() && domain != "ai.onnx") {
    fail(step, "it is of the domain " + in_quotes(domain) + ", whose operators frugal does not know");
  }
  const Handler handle = handler(step.op);
  if (handle == nullptr) fail(step, advice(step.op));
  if (step.inputs.empty()) fail(step, "it has no input");
  try {
    (this->*handle)(step);
  } catch (const Error& error) {
    // The builder's errors name the layer, and lack file and node.
    const std::string what = error.what();
    if (what.starts_with(graph_.file() + ":")) throw;
    fail(step, what);
  }
}

Graph OnnxImporter::build() {
  for (const OnnxStep& step : find_steps(graph_)) add(step);
  const auto found = values_.find(graph_.output());
  if (found == values_.end()) throw Error(graph_.file() + ": its output is no value of the network");
  const Made& logits = found->second;
  if (shape(logits).h != 1 || shape(logits).w != 1) {
    throw Error(graph_.file() + ": the network must yield one number a class, not " +
                shape_text(shape(logits)));
  }
  return net_.finish(logits.value);
}

TensorFile OnnxImporter::weights(const Graph& graph) const {
  TensorFile file;
  std::unordered_map<const onnx::Tensor*, std::pair<size_t, std::string>> stored;  // storage and type
  const auto add = [&](const std::string& name, const std::vector<int64_t>& shape, int64_t elements) {
    const Source& source = sources_.at(name);
    if (elements_of(*source.tensor, graph_.file()) != elements) {
      throw Error(graph_.file() + ": tensor " + in_quotes(source.tensor->name()) + " has " +
                  std::to_string(elements_of(*source.tensor, graph_.file())) + " elements, " +
                  in_quotes(name) + " needs " + std::to_string(elements));
    }
    auto found = stored.find(source.tensor);
    if (found == stored.end() || source.transposed) {
      OnnxNumbers numbers = numbers_of(*source.tensor, graph_.file());
      if (source.transposed) {
        numbers.bytes =
            transpose(numbers.bytes, static_cast<size_t>(shape[1]), static_cast<size_t>(shape[0]));
      }
      file.storages.push_back(std::move(numbers.bytes));
      found =
          stored.insert_or_assign(source.tensor, std::pair{file.storages.size() - 1, numbers.dtype}).first;
    }
    const auto& [storage, dtype] = found->second;
    file.tensors.push_back({name, dtype, shape, file.storages[storage]});
    if (source.transposed) stored.erase(found);
  };
  for (const ParameterSpec& parameter : graph.parameters)
    add(parameter.name, parameter.shape, parameter.elements());
  for (const BufferSpec& buffer : graph.buffers) add(buffer.name, buffer.shape, buffer.shape[0]);
  return file;
}

const OnnxImporter::Made& OnnxImporter::input(const OnnxStep& step, size_t i) const {
  if (!has_input(step, i)) fail(step, "its input " + std::to_string(i + 1) + " is missing");
  const auto found = values_.find(step.inputs[i]);
  if (found != values_.end() && found->second.rank == 3) {
    fail(step, "it comes between axes that are taken away, or added, one by one");
  }
  if (found != values_.end()) return found->second;
  fail(step,
       in_quotes(step.inputs[i]) + (graph_.constant(step.inputs[i]) != nullptr
                                        ? " is a constant, where an image or features must come in"
                                        : " is a list of numbers, where an image or features must come in"));
}

const OnnxImporter::Made& OnnxImporter::any_rank(const OnnxStep& step) const {
  const auto found = has_input(step, 0) ? values_.find(step.inputs[0]) : values_.end();
  return found != values_.end() ? found->second : input(step);  // which says what is wrong
}

const OnnxImporter::Made& OnnxImporter::image(const OnnxStep& step) const {
  const Made& x = input(step);
  if (x.rank != 4) fail(step, "it expects an image, got flat features");
  return x;
}

const onnx::Tensor& OnnxImporter::constant(const OnnxStep& step, size_t i, const char* what) const {
  if (!has_input(step, i)) fail(step, std::string("its ") + what + " is missing");
  const onnx::Tensor* tensor = graph_.constant(step.inputs[i]);
  if (tensor == nullptr) {
    fail(step, std::string("its ") + what + ", " + in_quotes(step.inputs[i]) +
                   ", is computed; frugal's layers have theirs in the file");
  }
  return *tensor;
}

const onnx::Tensor& OnnxImporter::by_channel(const OnnxStep& step, size_t i, const char* what,
                                             int64_t channels) const {
  const onnx::Tensor& tensor = constant(step, i, what);
  const int64_t elements = elements_of(tensor, graph_.file());
  if (elements != channels) {
    fail(step, std::string("its ") + what + " has " + std::to_string(elements) + " numbers for " +
                   std::to_string(channels) + " channels");
  }
  return tensor;
}

bool OnnxImporter::is_by_channel(const onnx::Tensor& tensor, const Made& x) const {
  const int64_t channels = shape(x).c;
  const int dims = tensor.dims_size(), at = x.rank == 4 ? dims - 3 : dims - 1;
  return at >= 0 && tensor.dims(at) == channels && elements_of(tensor, graph_.file()) == channels;
}

std::optional<OnnxImporter::List> OnnxImporter::list_of(const OnnxStep& step, size_t i,
                                                        const char* attribute_name) const {
  if (i < step.inputs.size()) {
    const auto found = lists_.find(step.inputs[i]);
    if (found != lists_.end()) return found->second;
    return graph_.integers(step.inputs[i]);
  }
  if (!has_attribute(*step.node, attribute_name)) return std::nullopt;
  return attribute(*step.node, attribute_name, List());
}

std::string OnnxImporter::layer_name(const OnnxStep& step, const std::string& op, size_t first_constant) {
  std::vector<std::string> candidates;
  for (size_t i = first_constant; i < step.inputs.size(); ++i) {
    candidates.push_back(module_of_parameter(step.inputs[i]));
  }
  candidates.push_back(step.module);
  for (const std::string& name : candidates) {
    if (!name.empty() && names_.insert(name).second) return name;
  }
  std::string name;
  do name = op + std::to_string(++unnamed_[op]);
  while (!names_.insert(name).second);
  return name;
}

void OnnxImporter::make(const OnnxStep& step, Value value, int rank) {
  values_[step.node->output(0)] = {value, rank};
}

void OnnxImporter::take(const std::string& parameter, const onnx::Tensor& tensor, bool transposed) {
  sources_[parameter] = {&tensor, transposed};
}

void OnnxImporter::fail(const OnnxStep& step, const std::string& why) const { graph_.fail(*step.node, why); }

}  // namespace frugal

#include "interop/onnx_graph.h"

#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "interop/onnx_file.h"
#include "interop/onnx_small_tensors.h"
#include "interop/onnx_types.h"

namespace frugal {
namespace {

constexpr int most_nodes = 100'000;  // as in model files
constexpr int64_t few = 64;          // elements of a list of axes, pads, extents

const onnx::Attribute* find(const onnx::Node& node, const std::string& name) {
  for (const onnx::Attribute& attribute : node.attribute()) {
    if (attribute.name() == name) return &attribute;
  }
  return nullptr;
}

}  // namespace

bool has_attribute(const onnx::Node& node, const std::string& name) { return find(node, name) != nullptr; }

int64_t attribute(const onnx::Node& node, const std::string& name, int64_t otherwise) {
  const onnx::Attribute* found = find(node, name);
  return found != nullptr ? found->i() : otherwise;
}

float attribute(const onnx::Node& node, const std::string& name, float otherwise) {
  const onnx::Attribute* found = find(node, name);
  return found != nullptr ? found->f() : otherwise;
}

std::vector<int64_t> attribute(const onnx::Node& node, const std::string& name,
                               const std::vector<int64_t>& otherwise) {
  const onnx::Attribute* found = find(node, name);
  if (found == nullptr) return otherwise;
  return {found->ints().begin(), found->ints().end()};
}

std::string attribute(const onnx::Node& node, const std::string& name, const char* otherwise) {
  const onnx::Attribute* found = find(node, name);
  return found != nullptr ? found->s() : otherwise;
}

OnnxGraph::OnnxGraph(const onnx::Model& model, std::string file)
    : graph_(model.graph()), file_(std::move(file)) {
  if (graph_.node_size() > most_nodes) {
    throw Error(file_ + ": it has " + std::to_string(graph_.node_size()) + " nodes; frugal reads up to " +
                std::to_string(most_nodes));
  }
  for (const onnx::Tensor& tensor : graph_.initializer()) constants_[tensor.name()] = &tensor;
  find_input();
  for (int i = 0; i < size(); ++i) {
    const onnx::Node& node = graph_.node(i);
    for (const std::string& value : node.input()) {
      if (value.empty()) continue;
      ++readers_[value];
      if (constant(value) == nullptr && maker(value) < 0 && value != input_->name()) {
        fail(node, "it reads " + in_quotes(value) + ", which nothing before it makes");
      }
    }
    for (const std::string& value : node.output()) {
      if (value.empty()) continue;
      if (constant(value) != nullptr || value == input_->name() || !makers_.emplace(value, i).second) {
        fail(node, "it makes " + in_quotes(value) + ", which is there already");
      }
    }
    add_constants(node);
  }
  find_live();
}

/// What a Constant holds, and what is only another name for a constant: PyTorch writes weights that are equal
/// once.
void OnnxGraph::add_constants(const onnx::Node& node) {
  if (node.output_size() != 1) return;
  const std::string& output = node.output(0);
  if (node.op_type() == "Identity" && node.input_size() == 1) {
    if (const onnx::Tensor* tensor = constant(node.input(0))) constants_[output] = tensor;
  }
  if (node.op_type() != "Constant") return add_computed(node);
  if (node.attribute_size() != 1) return;
  const onnx::Attribute& value = node.attribute(0);
  if (value.name() == "value" && value.has_t()) {
    constants_[output] = &value.t();
    return;
  }
  onnx::Tensor tensor;
  tensor.set_name(output);
  if (value.name() == "value_float") tensor.add_float_data(value.f());
  if (value.name() == "value_floats") *tensor.mutable_float_data() = value.floats();
  if (value.name() == "value_int") tensor.add_int64_data(value.i());
  if (value.name() == "value_ints") *tensor.mutable_int64_data() = value.ints();
  const bool whole = value.name().starts_with("value_int");
  const int count = whole ? tensor.int64_data_size() : tensor.float_data_size();
  tensor.set_data_type(
      static_cast<int32_t>(whole ? onnx::TensorElement::int64 : onnx::TensorElement::float32));
  if (value.name().ends_with("s")) tensor.add_dims(count);
  if (count > 0) constants_[output] = &made_.emplace_back(std::move(tensor));
}

void OnnxGraph::add_computed(const onnx::Node& node) {
  std::vector<SmallTensor> inputs;
  for (const std::string& value : node.input()) {
    const onnx::Tensor* tensor = constant(value);
    const auto values = integers(value);
    if (!values) return;
    inputs.push_back({{tensor->dims().begin(), tensor->dims().end()}, *values});
  }
  const std::optional<SmallTensor> result = computed(node, inputs, few);
  if (!result) return;
  onnx::Tensor& tensor = made_.emplace_back();
  tensor.set_name(node.output(0));
  tensor.set_data_type(static_cast<int32_t>(onnx::TensorElement::int64));
  tensor.mutable_dims()->Assign(result->dims.begin(), result->dims.end());
  tensor.mutable_int64_data()->Assign(result->values.begin(), result->values.end());
  constants_[node.output(0)] = &tensor;
}

/// Older files list their initializers among the inputs.
void OnnxGraph::find_input() {
  for (const onnx::ValueInfo& info : graph_.input()) {
    if (constants_.contains(info.name())) continue;
    if (input_ != nullptr) {
      throw Error(file_ + ": it has several inputs, " + in_quotes(input_->name()) + " and " +
                  in_quotes(info.name()) + "; frugal's networks read one image");
    }
    input_ = &info;
  }
  if (input_ == nullptr) throw Error(file_ + ": the network has no input");
  if (graph_.output_size() != 1) {
    throw Error(file_ + ": the network has " + std::to_string(graph_.output_size()) +
                " outputs; frugal's networks yield logits alone");
  }
}

void OnnxGraph::find_live() {
  ++readers_[output()];
  live_.assign(static_cast<size_t>(size()), false);
  const int last = maker(output());
  if (last < 0) throw Error(file_ + ": nothing makes the output " + in_quotes(output()));
  live_[static_cast<size_t>(last)] = true;
  for (int i = size(); i-- > 0;) {
    if (!live_[static_cast<size_t>(i)]) continue;
    for (const std::string& value : node(i).input()) {
      const int before = value.empty() || constant(value) != nullptr ? -1 : maker(value);
      if (before >= 0) live_[static_cast<size_t>(before)] = true;
    }
  }
}

const onnx::Tensor* OnnxGraph::constant(const std::string& value) const {
  const auto found = constants_.find(value);
  return found == constants_.end() ? nullptr : found->second;
}

std::optional<float> OnnxGraph::number(const std::string& value) const {
  const onnx::Tensor* tensor = constant(value);
  if (tensor == nullptr || elements_of(*tensor, file_) != 1) return std::nullopt;
  return floats_of(*tensor, file_)[0];
}

std::optional<std::vector<int64_t>> OnnxGraph::integers(const std::string& value) const {
  const onnx::Tensor* tensor = constant(value);
  if (tensor == nullptr) return std::nullopt;
  return integers_of(*tensor, file_, few);
}

int OnnxGraph::maker(const std::string& value) const {
  const auto found = makers_.find(value);
  return found == makers_.end() ? -1 : found->second;
}

int OnnxGraph::readers(const std::string& value) const {
  const auto found = readers_.find(value);
  return found == readers_.end() ? 0 : found->second;
}

void OnnxGraph::fail(const onnx::Node& node, const std::string& why) const {
  const std::string name = !node.name().empty() ? node.name() : node.output_size() > 0 ? node.output(0) : "";
  throw Error(file_ + ": node " + in_quotes(name) + " (" + std::string(in_quotes(node.op_type())) +
              "): " + why);
}

}  // namespace frugal

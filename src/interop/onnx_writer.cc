#include "interop/onnx_writer.h"

#include <bit>

#include "interop/onnx_types.h"

namespace frugal {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

void set_type(onnx::Attribute& attribute, onnx::AttributeType type) {
  attribute.set_type(static_cast<int32_t>(type));
}

void set(onnx::Attribute& attribute, int64_t value) {
  attribute.set_i(value);
  set_type(attribute, onnx::AttributeType::integer);
}
void set(onnx::Attribute& attribute, float value) {
  attribute.set_f(value);
  set_type(attribute, onnx::AttributeType::number);
}
void set(onnx::Attribute& attribute, const std::string& value) {
  attribute.set_s(value);
  set_type(attribute, onnx::AttributeType::text);
}
void set(onnx::Attribute& attribute, const std::vector<int64_t>& values) {
  attribute.mutable_ints()->Assign(values.begin(), values.end());
  set_type(attribute, onnx::AttributeType::integers);
}

}  // namespace

std::string OnnxWriter::unique(const std::string& name) {
  std::string chosen = name;
  for (int i = 2; !names_.insert(chosen).second; ++i) chosen = name + "_" + std::to_string(i);
  return chosen;
}

std::string OnnxWriter::node(const std::string& op, const std::string& name,
                             const std::vector<std::string>& inputs,
                             const std::vector<OnnxAttribute>& attributes) {
  onnx::Node& node = *graph().add_node();
  node.set_op_type(op);
  for (const std::string& input : inputs) node.add_input(input);
  for (const OnnxAttribute& given : attributes) {
    onnx::Attribute& attribute = *node.add_attribute();
    attribute.set_name(given.name);
    std::visit([&](const auto& value) { set(attribute, value); }, given.value);
  }
  const std::string output = unique(name);
  node.set_name(output);
  node.add_output(output);
  return output;
}

onnx::Tensor& OnnxWriter::tensor(const std::string& name, const std::vector<int64_t>& shape) {
  onnx::Tensor& tensor = *graph().add_initializer();
  tensor.set_name(name);
  tensor.mutable_dims()->Assign(shape.begin(), shape.end());
  return tensor;
}

void OnnxWriter::parameter(const std::string& name, const std::vector<int64_t>& shape,
                           std::span<const float> values) {
  onnx::Tensor& made = tensor(name, shape);
  made.set_data_type(static_cast<int32_t>(onnx::TensorElement::float32));
  made.set_raw_data(values.data(), values.size_bytes());
}

std::string OnnxWriter::floats(const std::string& name, const std::vector<int64_t>& shape,
                               std::span<const float> values) {
  const std::string chosen = unique(name);
  parameter(chosen, shape, values);
  return chosen;
}

std::string OnnxWriter::integers(const std::string& name, const std::vector<int64_t>& values) {
  const std::string chosen = unique(name);
  onnx::Tensor& made = tensor(chosen, {static_cast<int64_t>(values.size())});
  made.set_data_type(static_cast<int32_t>(onnx::TensorElement::int64));
  made.set_raw_data(values.data(), values.size() * sizeof(int64_t));
  return chosen;
}

void OnnxWriter::call(const std::string& value, const std::string& name) {
  const int nodes = graph().node_size();
  if (nodes == 0 || graph().node(nodes - 1).output(0) != value) node("Identity", name, {value});
  graph().mutable_node(graph().node_size() - 1)->set_output(0, name);
}

}  // namespace frugal

#include "interop/onnx_export.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/units.h"
#include "interop/onnx_export_ops.h"
#include "interop/onnx_fold.h"
#include "interop/onnx_types.h"
#include "interop/onnx_writer.h"

namespace frugal {
namespace {

constexpr const char* input_name = "input";
constexpr const char* output_name = "logits";
// Protocol buffers count a message's bytes in int32; the rest is for names.
constexpr int64_t most_parameter_bytes = (int64_t{1} << 31) - (int64_t{64} << 20);

class Exporter {
 public:
  Exporter(const Graph& graph, const Parameters& parameters, const OnnxExportOptions& options)
      : graph_(graph), options_(options), to_{graph, parameters, out_}, folded_(graph.nodes.size(), -1) {
    if (options.fold_batch_norm) folded_ = foldable_norms(graph);
    for (const Node& node : graph.nodes) ++uses_of_name_[node.name];
    out_.reserve(input_name);
    out_.reserve(output_name);
    for (const ParameterSpec& parameter : graph.parameters) out_.reserve(parameter.name);
    for (const BufferSpec& buffer : graph.buffers) out_.reserve(buffer.name);
    for (size_t i = 0; i < folded_.size(); ++i) {
      if (folded_[i] >= 0) out_.reserve(graph.nodes[i].name + ".bias");
    }
  }

  std::string file() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) values_.push_back(add(i));
    out_.call(of_rank(values_.size() - 1, 2).name, output_name);
    describe();
    return out_.model().SerializeAsString();
  }

 private:
  OnnxValue add(size_t i) {
    const Node& node = graph_.nodes[i];
    const std::string name = uses_of_name_[node.name] == 1 ? node.name : node.name + "_" + std::to_string(i);
    if (node.kind == OpKind::input) return input();
    const auto first = static_cast<size_t>(node.inputs[0]);
    OnnxValue x = values_[first];
    switch (node.kind) {
      case OpKind::input:
        break;
      case OpKind::conv2d:
        return {conv(i, name), 4};
      case OpKind::linear:
        return {linear(i, name), 2};
      case OpKind::batch_norm:
        if (folded_[first] == static_cast<int>(i)) return x;
        return {export_batch_norm(to_, node, x, name), x.rank};
      case OpKind::group_norm:
        return {export_group_norm(to_, node, x, name), x.rank};
      case OpKind::layer_norm:
        return {export_layer_norm(to_, node, x, name), x.rank};
      case OpKind::scale:
        return {export_scale(to_, node, x, name), x.rank};
      case OpKind::activation:
        return {export_activation(to_, node, x, name), x.rank};
      case OpKind::dropout:
      case OpKind::drop_path:
        return x;
      case OpKind::max_pool:
      case OpKind::avg_pool:
        return {export_pool(to_, node, image(first), name), 4};
      case OpKind::adaptive_avg_pool:
      case OpKind::adaptive_max_pool:
        return {export_adaptive_pool(to_, node, image(first), name), 4};
      case OpKind::blur_pool:
        return {export_blur_pool(to_, node, image(first), name), 4};
      case OpKind::pad_channels:
        return {export_pad_channels(to_, node, image(first), name), 4};
      case OpKind::flatten:
        return {out_.node("Flatten", name, {x.name}, {{"axis", int64_t{1}}}), 2};
      case OpKind::add:
        return {out_.node("Add", name, of_one_rank(node, x.rank)), x.rank};
      case OpKind::concat:
        return {out_.node("Concat", name, of_one_rank(node, x.rank), {{"axis", int64_t{1}}}), x.rank};
      case OpKind::gate:
        return {out_.node("Mul", name, of_one_rank(node, x.rank)), x.rank};
    }
    throw Error(node.name + ": ONNX export does not know this operation");
  }

  /// Declares the input; its value is what the first layer reads.
  OnnxValue input() {
    const Shape& shape = graph_.input;
    declare(*out_.graph().add_input(), input_name, {shape.c, shape.h, shape.w});
    if (!options_.normalise) return {input_name, 4};
    const std::vector<int64_t> by_channel = {shape.c, 1, 1};
    const std::string centred = out_.node(
        "Sub", "normalise/centre", {input_name, out_.floats("normalise/mean", by_channel, options_.mean)});
    return {out_.node("Div", "normalise", {centred, out_.floats("normalise/std", by_channel, options_.std)}),
            4};
  }

  /// Behind the batch, whose size is left open.
  static void declare(onnx::ValueInfo& info, const std::string& name, const std::vector<int64_t>& shape) {
    info.set_name(name);
    onnx::TensorType& type = *info.mutable_type()->mutable_tensor_type();
    type.set_elem_type(static_cast<int32_t>(onnx::TensorElement::float32));
    type.mutable_shape()->add_dim()->set_parameter("batch");
    for (const int64_t extent : shape) type.mutable_shape()->add_dim()->set_value(extent);
  }

  std::string conv(size_t i, const std::string& name) {
    const Node& node = graph_.nodes[i];
    std::vector<std::string> inputs = {image(static_cast<size_t>(node.inputs[0]))};
    add_weights(i, inputs);
    const auto both = [](const Extent& e) { return std::vector<int64_t>{e.h, e.w}; };
    const std::vector<int64_t> pads = {node.padding.h, node.padding.w, node.padding.h, node.padding.w};
    return out_.node("Conv", name, inputs,
                     {{"kernel_shape", both(node.kernel)},
                      {"strides", both(node.stride)},
                      {"pads", pads},
                      {"dilations", both(node.dilation)},
                      {"group", int64_t{node.groups}}});
  }

  std::string linear(size_t i, const std::string& name) {
    const auto first = static_cast<size_t>(graph_.nodes[i].inputs[0]);
    std::vector<std::string> inputs = {of_rank(first, 2).name};
    add_weights(i, inputs);
    return out_.node("Gemm", name, inputs, {{"transB", int64_t{1}}});
  }

  /// Weight and perhaps bias, with the batch-norm behind the layer in them if it is to be folded.
  void add_weights(size_t i, std::vector<std::string>& inputs) {
    const Node& node = graph_.nodes[i];
    const ParameterSpec& weight = graph_.parameters[static_cast<size_t>(node.parameters[0])];
    if (folded_[i] < 0) {
      inputs.push_back(to_.parameter(node, 0, weight.shape));
      if (node.bias) inputs.push_back(to_.parameter(node, 1, {node.out.c}));
      return;
    }
    const FoldedLayer layer = fold(to_, node, graph_.nodes[static_cast<size_t>(folded_[i])]);
    out_.parameter(weight.name, weight.shape, layer.weight);
    out_.parameter(node.name + ".bias", {node.out.c}, layer.bias);
    inputs.push_back(weight.name);
    inputs.push_back(node.name + ".bias");
  }

  /// Features of one pixel are [N, C] for some operators and [N, C, 1, 1] for others. The first use that
  /// needs the other form makes it.
  OnnxValue of_rank(size_t value, int rank) {
    const OnnxValue& x = values_[value];
    if (x.rank == rank) return x;
    std::string& made = reshaped_[value];
    if (made.empty()) {
      const std::string axes = out_.integers(x.name + "/axes", {2, 3});
      made = rank == 2 ? out_.node("Squeeze", x.name + "/flat", {x.name, axes})
                       : out_.node("Unsqueeze", x.name + "/pixel", {x.name, axes});
    }
    return {made, rank};
  }
  std::string image(size_t value) { return of_rank(value, 4).name; }
  std::vector<std::string> of_one_rank(const Node& node, int rank) {
    std::vector<std::string> names;
    for (const int input : node.inputs) names.push_back(of_rank(static_cast<size_t>(input), rank).name);
    return names;
  }

  void describe() {
    onnx::Model& model = out_.model();
    model.set_ir_version(onnx::ir_version);
    model.set_producer_name("frugal");
    model.set_producer_version(options_.version);
    onnx::OperatorSet& operators = *model.add_opset_import();
    operators.set_domain("");
    operators.set_version(onnx::opset);
    out_.graph().set_name(graph_.model);
    declare(*out_.graph().add_output(), output_name, {graph_.classes});
    const auto say = [&](const std::string& key, const std::string& value) {
      onnx::Pair& pair = *model.add_metadata_props();
      pair.set_key(key);
      pair.set_value(value);
    };
    say("model", graph_.model);
    say("frugal_version", options_.version);
    say("classes", json(options_.classes));
    say("mean", json(options_.mean));
    say("std", json(options_.std));
    say("input", options_.normalise ? "pixel / 255" : "(pixel / 255 - mean) / std");
  }

  /// Names that are not UTF-8 are repaired.
  template <class List>
  static std::string json(const List& list) {
    return nlohmann::json(list).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

  const Graph& graph_;
  const OnnxExportOptions& options_;
  OnnxWriter out_;
  const OnnxExport to_;
  std::vector<int> folded_;  // by node: the batch-norm that is folded into it
  std::map<std::string, int> uses_of_name_;
  std::vector<OnnxValue> values_;           // by node
  std::map<size_t, std::string> reshaped_;  // by node: its value in the other rank
};

}  // namespace

OnnxExportOptions described_options(const std::map<std::string, std::string>& metadata) {
  OnnxExportOptions options;
  const auto read_list = [&](const char* key, auto& list, auto is_item) {
    const auto said = metadata.find(key);
    if (said == metadata.end()) return;
    const nlohmann::json json = nlohmann::json::parse(said->second, nullptr, /*allow_exceptions=*/false);
    if (!json.is_array() || !std::ranges::all_of(json, is_item)) return;
    for (const nlohmann::json& item : json) item.get_to(list.emplace_back());
  };
  const auto is_number = [](const nlohmann::json& item) {
    return item.is_number() && std::isfinite(item.get<float>());
  };
  read_list("classes", options.classes, [](const nlohmann::json& item) { return item.is_string(); });
  read_list("mean", options.mean, is_number);
  read_list("std", options.std,
            [&](const nlohmann::json& item) { return is_number(item) && item.get<float>() > 0; });
  return options;
}

std::string export_onnx(const Graph& graph, const Parameters& parameters, const OnnxExportOptions& options) {
  if (graph.parameter_count() * static_cast<int64_t>(sizeof(float)) > most_parameter_bytes) {
    throw Error(graph.model + ": its " + with_thousands(graph.parameter_count()) +
                " parameters do not fit into an ONNX file, which holds less than 2 GiB");
  }
  const auto channels = static_cast<size_t>(graph.input.c);
  if (options.normalise && (options.mean.size() != channels || options.std.size() != channels)) {
    throw Error(graph.model + ": mean and std must have a value for each of the " + std::to_string(channels) +
                " channels");
  }
  return Exporter(graph, parameters, options).file();
}

}  // namespace frugal

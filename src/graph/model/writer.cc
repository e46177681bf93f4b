// Writes any graph as a model file: a line a layer, its shape beside it. What is left out are the defaults of
// model/ops.cc.
#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <string>
#include <vector>

#include "base/units.h"
#include "base/utf8.h"
#include "graph/builder.h"
#include "graph/model/ops.h"
#include "graph/model_file.h"
#include "graph/table.h"

namespace frugal {
namespace {

/// One layer's inline table, key by key.
class Line {
 public:
  void text(const char* key, const std::string& value) { add(key, "\"" + value + "\""); }
  void integer(const char* key, int64_t value) { add(key, std::to_string(value)); }
  void number(const char* key, float value) {
    // The fewest digits that read back as this float.
    std::array<char, 32> digits{};
    add(key, {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr});
  }
  void flag(const char* key, bool value) { add(key, value ? "true" : "false"); }
  void extent(const char* key, Extent e) {
    add(key, e.h == e.w ? std::to_string(e.h) : "[" + std::to_string(e.h) + ", " + std::to_string(e.w) + "]");
  }
  void extent(const char* key, Extent e, Extent otherwise) {
    if (!(e == otherwise)) extent(key, e);
  }
  void init(const char* key, Init value, Init otherwise) {
    if (value != otherwise) text(key, init_name(value));
  }
  void names(const char* key, const std::vector<std::string>& values) {
    if (values.size() == 1) return text(key, values[0]);
    std::string list;
    for (const std::string& value : values) list += (list.empty() ? "\"" : ", \"") + value + "\"";
    add(key, "[" + list + "]");
  }
  std::string table() const { return "{ " + text_ + " }"; }

 private:
  void add(const char* key, const std::string& value) {
    text_ += (text_.empty() ? "" : ", ") + std::string(key) + " = " + value;
  }
  std::string text_;
};

class Writer {
 public:
  explicit Writer(const Graph& graph) : graph_(graph), aliases_(graph.nodes.size()) {
    for (const Node& node : graph.nodes) ++names_[node.name];
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      const std::vector<int>& inputs = graph.nodes[i].inputs;
      if (reads_before(i)) continue;
      for (const int input : inputs) {
        if (input + 1 != static_cast<int>(i)) name_value(static_cast<size_t>(input));
      }
    }
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      const OpKind kind = graph.nodes[i].kind;
      if (kind == OpKind::conv2d || kind == OpKind::linear) head_ = i;
    }
  }

  std::string file() const {
    const std::string model = plain(graph_.model);
    std::string text = "# " + model + " for images of " + shape_text(graph_.input) + " and " +
                       std::to_string(graph_.classes) + " classes: " + parameters_text(graph_) + ".\n" +
                       "# Beside each layer stands the shape of what it makes, channels x height x width.\n" +
                       "name = \"" + model + "\"\n\nlayer = [\n";
    size_t width = 0;
    std::vector<std::string> tables;
    for (size_t i = 1; i < graph_.nodes.size(); ++i) {
      tables.push_back(layer(i) + ",");
      // A few long lines must not push all comments out of sight.
      constexpr size_t widest = 90;
      if (tables.back().size() <= widest) width = std::max(width, tables.back().size());
    }
    for (size_t i = 0; i < tables.size(); ++i) {
      const std::string& table = tables[i];
      const size_t gap = table.size() < width ? width - table.size() : 0;
      text += "  " + table + std::string(gap, ' ') + "  # " + shape_text(graph_.nodes[i + 1].out) + "\n";
    }
    return text + "]\n";
  }

 private:
  /// What TOML's basic strings, its comments and a terminal take as it is.
  static std::string plain(std::string text) {
    const bool beyond_ascii = is_utf8(text);
    std::ranges::replace_if(
        text,
        [&](char c) {
          const auto byte = static_cast<unsigned char>(c);
          return c == '"' || c == '\\' || byte < 0x20 || byte == 0x7F || (byte > 0x7F && !beyond_ascii);
        },
        '?');
    return text;
  }

  bool reads_before(size_t i) const {
    const std::vector<int>& inputs = graph_.nodes[i].inputs;
    return inputs.size() == 1 && inputs[0] + 1 == static_cast<int>(i);
  }

  static bool is_named(const Node& node) {
    return !node.parameters.empty() || node.kind == OpKind::batch_norm || node.kind == OpKind::group_norm ||
           node.kind == OpKind::dropout || node.kind == OpKind::drop_path;
  }

  void name_value(size_t i) {
    const Node& node = graph_.nodes[i];
    if (i == 0 || (is_named(node) && names_.at(node.name) == 1) || !aliases_[i].empty()) return;
    std::string alias = node.name + "_" + std::to_string(i);
    while (names_.count(alias) != 0) alias += "_";
    aliases_[i] = alias;
  }

  std::string value_name(int value, size_t reader) const {
    if (value == 0) return "input";
    if (value + 1 == static_cast<int>(reader)) return "before";
    const auto i = static_cast<size_t>(value);
    return aliases_[i].empty() ? graph_.nodes[i].name : aliases_[i];
  }

  const ParameterSpec& parameter(const Node& node, size_t i) const {
    return graph_.parameters[static_cast<size_t>(node.parameters[i])];
  }

  std::string layer(size_t i) const {
    const Node& node = graph_.nodes[i];
    Line line;
    line.text("op", op_name(node));
    if (is_named(node)) line.text("name", node.name);
    if (!reads_before(i) || node.kind == OpKind::concat) {  // which has no input unless it is named
      std::vector<std::string> names;
      for (const int input : node.inputs) names.push_back(value_name(input, i));
      line.names("from", names);
    }
    add_attributes(line, node, i == head_);
    if (!aliases_[i].empty()) line.text("as", aliases_[i]);
    return line.table();
  }

  /// Instance norm is group norm with a group a channel; written as group norm it is read back the same.
  static std::string op_name(const Node& node) {
    switch (node.kind) {
      case OpKind::conv2d:
        return "conv2d";
      case OpKind::linear:
        return "linear";
      case OpKind::batch_norm:
        return "batch_norm";
      case OpKind::group_norm:
        return "group_norm";
      case OpKind::layer_norm:
        return "layer_norm";
      case OpKind::scale:
        return node.parameters.empty() ? "multiply" : "scale";
      case OpKind::activation:
        return activation_name(node.activation);
      case OpKind::dropout:
        return "dropout";
      case OpKind::drop_path:
        return "drop_path";
      case OpKind::max_pool:
        return "max_pool";
      case OpKind::avg_pool:
        return "avg_pool";
      case OpKind::adaptive_avg_pool:
        return "adaptive_avg_pool";
      case OpKind::adaptive_max_pool:
        return "adaptive_max_pool";
      case OpKind::blur_pool:
        return "blur_pool";
      case OpKind::flatten:
        return "flatten";
      case OpKind::add:
        return "add";
      case OpKind::concat:
        return "concat";
      case OpKind::gate:
        return "gate";
      case OpKind::pad_channels:
        return "pad_channels";
      case OpKind::input:
        break;
    }
    return "input";
  }

  void add_attributes(Line& line, const Node& node, bool head) const {
    switch (node.kind) {
      case OpKind::conv2d:
      case OpKind::linear:
        return add_weights(line, node, head);
      case OpKind::batch_norm:
      case OpKind::group_norm:
      case OpKind::layer_norm:
        return add_norm(line, node);
      case OpKind::scale:
        return add_scale(line, node);
      case OpKind::activation:
        if (node.activation == Activation::prelu) {
          if (parameter(node, 0).shape[0] != 1) line.flag("per_channel", true);
        } else if (node.alpha != default_alpha(node.activation)) {
          line.number("alpha", node.alpha);
        }
        return;
      case OpKind::dropout:
      case OpKind::drop_path:
        return line.number("rate", node.rate);
      case OpKind::max_pool:
      case OpKind::avg_pool:
        line.extent("kernel", node.kernel);
        line.extent("stride", node.stride, node.kernel);
        line.extent("padding", node.padding, 0);
        if (node.ceil_mode) line.flag("ceil_mode", true);
        if (!node.count_include_pad) line.flag("count_include_pad", false);
        return;
      case OpKind::adaptive_avg_pool:
      case OpKind::adaptive_max_pool:
        return line.extent("out", {static_cast<int>(node.out.h), static_cast<int>(node.out.w)}, 1);
      case OpKind::blur_pool:
        line.integer("size", node.kernel.h);
        return line.integer("stride", node.stride.h);
      case OpKind::pad_channels:
        line.integer("before", node.channels_before);
        line.integer("behind", node.out.c - node.in.c - node.channels_before);
        return line.extent("stride", node.stride, 1);
      case OpKind::input:
      case OpKind::flatten:
      case OpKind::add:
      case OpKind::concat:
      case OpKind::gate:
        return;
    }
  }

  void add_weights(Line& line, const Node& node, bool head) const {
    if (head && node.out.c == graph_.classes) {
      line.text("out", "classes");
    } else {
      line.integer("out", node.out.c);
    }
    if (node.kind == OpKind::conv2d) {
      line.extent("kernel", node.kernel);
      line.extent("stride", node.stride, 1);
      line.extent("padding", node.padding, 0);
      line.extent("dilation", node.dilation, 1);
      if (node.groups != 1) line.integer("groups", node.groups);
    }
    if (!node.bias) line.flag("bias", false);
    const ParameterSpec& weight = parameter(node, 0);
    line.init("init", weight.init, Init::uniform_fan_in);
    if (weight.value != 0 || weight.init == Init::constant) line.number("init_value", weight.value);
    if (node.bias) line.init("bias_init", parameter(node, 1).init, Init::uniform_fan_in);
    if (!weight.trainable) line.flag("trainable", false);
  }

  void add_norm(Line& line, const Node& node) const {
    if (node.kind == OpKind::group_norm) line.integer("groups", node.groups);
    const NormOptions defaults;
    if (node.eps != defaults.eps) line.number("eps", node.eps);
    if (node.momentum != defaults.momentum) line.number("momentum", node.momentum);
    if (node.parameters.empty()) return line.flag("affine", false);
    line.init("init", parameter(node, 0).init, Init::ones);
    if (!parameter(node, 0).trainable) line.flag("trainable", false);
  }

  void add_scale(Line& line, const Node& node) const {
    if (node.parameters.empty()) return line.number("factor", node.factor);
    const bool weight = node.parameters.size() - (node.bias ? 1 : 0) == 1;
    if (!weight) line.flag("weight", false);
    if (!node.bias) line.flag("bias", false);
    if (weight && parameter(node, 0).value != 1) line.number("value", parameter(node, 0).value);
  }

  const Graph& graph_;
  std::map<std::string, int> names_;
  std::vector<std::string> aliases_;  // of values that a later layer reads and that have no name of their own
  size_t head_ = 0;                   // the last convolution or linear layer
};

}  // namespace

std::string write_model(const Graph& graph) { return Writer(graph).file(); }

}  // namespace frugal

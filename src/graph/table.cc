#include "graph/table.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/columns.h"
#include "base/units.h"

namespace frugal {
namespace {

std::string text_of(Extent e) {
  const std::string h = std::to_string(e.h);
  return e.h == e.w ? h : h + "x" + std::to_string(e.w);
}

/// "3x3, stride 2, padding 1": what differs from the least is said.
std::string window_text(const Node& node) {
  std::string text = std::to_string(node.kernel.h) + "x" + std::to_string(node.kernel.w);
  if (!(node.stride == Extent(1))) text += ", stride " + text_of(node.stride);
  if (!(node.padding == Extent(0))) text += ", padding " + text_of(node.padding);
  if (!(node.dilation == Extent(1))) text += ", dilation " + text_of(node.dilation);
  if (node.ceil_mode) text += ", ceil";
  return text;
}

std::string number_text(float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", static_cast<double>(value));
  return text;
}

std::string kind_text(const Node& node) {
  switch (node.kind) {
    case OpKind::input:
      return "input";
    case OpKind::conv2d:
      if (node.depthwise()) return "depthwise conv " + window_text(node);
      return "conv " + window_text(node) + (node.groups > 1 ? ", groups " + std::to_string(node.groups) : "");
    case OpKind::linear:
      return "linear";
    case OpKind::batch_norm:
      return "batch-norm";
    case OpKind::group_norm:
      return node.groups == node.in.c ? "instance-norm" : "group-norm " + std::to_string(node.groups);
    case OpKind::layer_norm:
      return "layer-norm";
    case OpKind::scale:
      return node.factor == 1 ? "scale" : "scale " + number_text(node.factor);
    case OpKind::activation:
      return activation_name(node.activation) + (node.alpha != 0 ? " " + number_text(node.alpha) : "");
    case OpKind::dropout:
      return "dropout " + number_text(node.rate);
    case OpKind::drop_path:
      return "drop-path " + number_text(node.rate);
    case OpKind::max_pool:
      return "max-pool " + window_text(node);
    case OpKind::avg_pool:
      return "avg-pool " + window_text(node);
    case OpKind::adaptive_avg_pool:
      return node.out.h * node.out.w == 1 ? "global avg-pool" : "adaptive avg-pool";
    case OpKind::adaptive_max_pool:
      return node.out.h * node.out.w == 1 ? "global max-pool" : "adaptive max-pool";
    case OpKind::blur_pool:
      return "blur-pool " + window_text(node);
    case OpKind::flatten:
      return "flatten";
    case OpKind::add:
      return "add";
    case OpKind::concat:
      return "concat";
    case OpKind::gate:
      return "gate";
    case OpKind::pad_channels:
      return "pad channels" + (node.stride == Extent(1) ? "" : ", stride " + text_of(node.stride));
  }
  return "?";
}

struct Totals {
  int64_t parameters = 0, macs = 0, activation_bytes = 0;
};

Totals totals_of(const std::vector<LayerRow>& rows) {
  Totals totals;
  for (const LayerRow& row : rows) {
    totals.parameters += row.parameters;
    totals.macs += row.macs;
    totals.activation_bytes += row.activation_bytes;
  }
  return totals;
}

std::string number_or_dash(int64_t value) { return value == 0 ? "-" : with_thousands(value); }

}  // namespace

std::vector<LayerRow> layer_rows(const Graph& graph) {
  std::vector<LayerRow> rows;
  for (const Node& node : graph.nodes) {
    LayerRow row{node.name, kind_text(node), node.out,
                 0,         node.macs(),     node.out.elements() * static_cast<int64_t>(sizeof(float))};
    for (int i : node.parameters) row.parameters += graph.parameters[static_cast<size_t>(i)].elements();
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string shape_text(const Shape& shape) {
  if (shape.h == 1 && shape.w == 1) return std::to_string(shape.c);
  return std::to_string(shape.c) + " x " + std::to_string(shape.h) + " x " + std::to_string(shape.w);
}

std::string parameters_text(const Graph& graph) {
  const int64_t all = graph.parameter_count(), trainable = graph.trainable_count();
  const std::string text = with_thousands(all) + " parameters";
  return trainable == all ? text : text + " (" + with_thousands(trainable) + " of them trainable)";
}

std::string layer_table(const Graph& graph, size_t width) {
  const std::vector<LayerRow> rows = layer_rows(graph);
  std::vector<std::vector<std::string>> lines;
  lines.push_back({"layer", "operation", "output", "parameters", "MACs", "activation bytes"});
  for (const LayerRow& row : rows) {
    lines.push_back({row.name, row.kind, shape_text(row.out), number_or_dash(row.parameters),
                     number_or_dash(row.macs), with_thousands(row.activation_bytes)});
  }
  const Totals totals = totals_of(rows);
  lines.push_back({"total", "", "", with_thousands(totals.parameters), with_thousands(totals.macs),
                   with_thousands(totals.activation_bytes)});
  const auto fits = [&] { return width == 0 || widest_line(align_columns(lines, 3, width)) <= width; };
  if (!fits()) lines[0].back() = "act. bytes";
  if (!fits()) {  // their sum is said below
    for (std::vector<std::string>& line : lines) line.pop_back();
  }
  const std::string sums = graph.model + ": " + parameters_text(graph) + ", " + short_count(totals.macs) +
                           " MACs and " + human_bytes(totals.activation_bytes) +
                           " of fp32 activations an image (outputs are channels x height x width)";
  return align_columns(lines, 3, width) + "\n" + wrapped(sums, width) + "\n";
}

std::string layer_table_json(const Graph& graph) {
  const std::vector<LayerRow> rows = layer_rows(graph);
  const auto shape_json = [](const Shape& s) { return nlohmann::ordered_json::array({s.c, s.h, s.w}); };
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();
  for (const LayerRow& row : rows) {
    layers.push_back({{"name", row.name},
                      {"operation", row.kind},
                      {"output", shape_json(row.out)},
                      {"parameters", row.parameters},
                      {"macs", row.macs},
                      {"activation_bytes", row.activation_bytes}});
  }
  const Totals totals = totals_of(rows);
  const nlohmann::ordered_json table = {
      {"model", graph.model},
      {"input", shape_json(graph.input)},
      {"classes", graph.classes},
      {"parameters", totals.parameters},
      {"trainable_parameters", graph.trainable_count()},
      {"macs", totals.macs},
      {"activation_bytes", totals.activation_bytes},
      {"layers", std::move(layers)},
  };
  return table.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string short_count(int64_t value) {
  if (value < 1000) return std::to_string(value);
  double scaled = static_cast<double>(value);
  const char* unit = "";
  for (const char* next : {"k", "M", "G", "T"}) {
    if (scaled < 999.5) break;
    scaled /= 1000;
    unit = next;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.*f%s", scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0, scaled, unit);
  return text;
}

std::vector<LayerRow> largest_layers(const Graph& graph, size_t n) {
  std::vector<LayerRow> rows = layer_rows(graph);
  std::stable_sort(rows.begin(), rows.end(),
                   [](const LayerRow& a, const LayerRow& b) { return a.parameters > b.parameters; });
  if (rows.size() > n) rows.resize(n);
  while (!rows.empty() && rows.back().parameters == 0) rows.pop_back();
  return rows;
}

}  // namespace frugal

#include "nn/cut.h"

#include <algorithm>
#include <vector>

#include "nn/fusion.h"

namespace frugal {
namespace {

/// Of each value that a fused op yields: does it stay the same from step to step?
std::vector<bool> stable_values(const Graph& graph) {
  std::vector<bool> stable(graph.nodes.size(), false);
  stable[0] = true;
  for (const Group& group : fuse(graph)) {
    const ChainNodes& chain = group.chain;
    const bool changes = group.learns || chain.norm >= 0 || chain.dropout >= 0 || chain.drop_path >= 0;
    const auto is_stable = [&](int value) { return stable[static_cast<size_t>(value)]; };
    stable[static_cast<size_t>(group.last)] = !changes && std::ranges::all_of(group.inputs, is_stable);
  }
  return stable;
}

/// Does nothing behind `value` read anything before it?
bool separates(const Graph& graph, int value) {
  return std::ranges::all_of(graph.nodes.begin() + value + 1, graph.nodes.end(), [&](const Node& node) {
    return std::ranges::all_of(node.inputs, [&](int input) { return input >= value; });
  });
}

CutGraph cut_at(const Graph& graph, int value) {
  CutGraph cut{graph, graph, value};
  const Node& last = graph.nodes[static_cast<size_t>(value)];
  cut.below.nodes.resize(static_cast<size_t>(value) + 1);
  cut.below.classes = last.out.elements();
  Node input = graph.nodes[0];
  input.in = input.out = cut.above.input = last.out;
  cut.above.nodes.assign(1, input);
  for (size_t i = static_cast<size_t>(value) + 1; i < graph.nodes.size(); ++i) {
    Node node = graph.nodes[i];
    for (int& from : node.inputs) from -= value;
    cut.above.nodes.push_back(std::move(node));
  }
  return cut;
}

}  // namespace

std::optional<CutGraph> cut_frozen(const Graph& graph) {
  const std::vector<bool> stable = stable_values(graph);
  for (int value = static_cast<int>(graph.nodes.size()) - 2; value > 0; --value) {
    if (stable[static_cast<size_t>(value)] && separates(graph, value)) return cut_at(graph, value);
  }
  return std::nullopt;
}

}  // namespace frugal

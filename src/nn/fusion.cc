#include "nn/fusion.h"

#include <algorithm>

#include "base/error.h"

namespace frugal {
namespace {

bool fits_chain(const Node& pool) {
  return pool.stride == pool.kernel && pool.kernel.h == pool.kernel.w && pool.padding == Extent(0) &&
         pool.kernel.h > 1 && pool.kernel.h < 16 && !pool.ceil_mode;
}

/// Takes as many nodes from `next` on as the chain's order allows; returns the first that it left.
size_t take_chain(const Graph& graph, size_t next, ChainNodes& chain) {
  const auto is = [&](OpKind kind) { return next < graph.nodes.size() && graph.nodes[next].kind == kind; };
  const auto take = [&](int& slot) { slot = static_cast<int>(next++); };
  if (is(OpKind::batch_norm)) take(chain.norm);
  if (next < graph.nodes.size() && graph.nodes[next].is_relu()) take(chain.relu);
  if (is(OpKind::dropout)) take(chain.dropout);
  if (is(OpKind::max_pool) && fits_chain(graph.nodes[next])) take(chain.pool);
  return next;
}

}  // namespace

std::vector<Group> fuse(const Graph& graph) {
  for (size_t i = 1; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].inputs != std::vector<int>{static_cast<int>(i) - 1}) {
      throw Error(graph.model + ": " + graph.nodes[i].name +
                  ": each value must be used by the next node alone");
    }
  }
  std::vector<Group> groups;
  bool learns = false;
  int norms = 0;
  for (size_t next = 1; next < graph.nodes.size();) {
    const Node& node = graph.nodes[next];
    Group group{};
    group.node = static_cast<int>(next);
    group.in = node.in;
    size_t end = next + 1;
    const bool pointwise = node.kind == OpKind::batch_norm || node.is_relu() || node.kind == OpKind::dropout;
    switch (node.kind) {
      case OpKind::conv2d:
        group.kind = GroupKind::conv;
        break;
      case OpKind::linear:
        group.kind = GroupKind::linear;
        break;
      case OpKind::flatten:
        group.kind = node.in.h * node.in.w == 1 ? GroupKind::alias : GroupKind::flatten;
        break;
      default:
        end = take_chain(graph, next, group.chain);
        if (!pointwise && node.kind != OpKind::max_pool) {
          throw Error(node.name + ": the engine has no such operation yet");
        }
        group.kind = end > next ? GroupKind::chain : GroupKind::max_pool;
        if (end == next) ++end;
    }
    if (group.kind == GroupKind::max_pool && std::max(node.kernel.h, node.kernel.w) > 15) {
      throw Error(node.name + ": pooling windows are at most 15 wide");
    }
    if (group.chain.norm >= 0) group.chain.norm_index = norms++;
    group.out = graph.nodes[end - 1].out;
    group.input_learns = learns;
    for (size_t i = next; i < end; ++i) group.learns = group.learns || !graph.nodes[i].parameters.empty();
    learns = learns || group.learns;
    if (!groups.empty()) groups.back().norm_follows = group.chain.norm >= 0;
    groups.push_back(group);
    next = end;
  }
  if (groups.empty()) throw Error(graph.model + ": the graph has no operation");
  return groups;
}

}  // namespace frugal

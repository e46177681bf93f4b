#include "nn/fusion.h"

#include <algorithm>

#include "base/error.h"

namespace frugal {
namespace {

/// Windows that tile the image and whose positions fit into a byte.
bool fits_chain(const Node& pool) {
  return pool.stride == pool.kernel && pool.kernel.h == pool.kernel.w && pool.padding == Extent(0) &&
         pool.kernel.h > 1 && pool.kernel.h < 16 && !pool.ceil_mode;
}

class Fusion {
 public:
  explicit Fusion(const Graph& graph)
      : graph_(graph), users_(graph.nodes.size(), 0), taken_(graph.nodes.size(), false) {
    for (const Node& n : graph.nodes) {
      for (int input : n.inputs) ++users_[static_cast<size_t>(input)];
    }
  }

  std::vector<Group> run() {
    int norms = 0;
    for (size_t i = 1; i < graph_.nodes.size(); ++i) {
      if (!taken_[i]) groups_.push_back(starting_at(static_cast<int>(i)));
    }
    std::ranges::sort(groups_, {}, &Group::last);
    // Batch-norms are numbered through the graph.
    std::vector<int> norm_index(graph_.nodes.size(), -1);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (graph_.nodes[i].kind == OpKind::batch_norm) norm_index[i] = norms++;  // fixed ones too
    }
    for (Group& group : groups_) {
      if (group.chain.norm >= 0) group.chain.norm_index = norm_index[static_cast<size_t>(group.chain.norm)];
    }
    find_learners();
    return std::move(groups_);
  }

 private:
  const Node& node(int i) const { return graph_.nodes[static_cast<size_t>(i)]; }

  Group starting_at(int first) {
    Group group;
    group.node = first;
    group.inputs = node(first).inputs;
    take_chain(first, group);
    if (group.chain.empty()) {
      group.last = first;
      taken_[static_cast<size_t>(first)] = true;
      const bool flat = node(first).in.h * node(first).in.w == 1;
      if (node(first).kind == OpKind::flatten && flat &&
          users_[static_cast<size_t>(node(first).inputs[0])] == 1) {
        group.kind = GroupKind::alias;
      }
    } else {
      group.kind = GroupKind::chain;
    }
    return group;
  }

  /// Follows the only user of each value as long as the chain's order allows.
  void take_chain(int first, Group& group) {
    ChainNodes& chain = group.chain;
    int current = -1, next = first;
    const auto take = [&](int& slot) {
      slot = current = group.last = next;
      taken_[static_cast<size_t>(next)] = true;
      next = users_[static_cast<size_t>(next)] == 1 ? only_user(next) : -1;
    };
    const auto at = [&](OpKind kind) {
      return next >= 0 && !taken_[static_cast<size_t>(next)] && node(next).kind == kind;
    };
    if (at(OpKind::batch_norm) && !node(next).fixed_statistics) {
      take(chain.norm);
    } else if (at(OpKind::batch_norm) || at(OpKind::scale)) {
      take(chain.scale);
    }
    if (at(OpKind::drop_path)) take(chain.drop_path);
    if (at(OpKind::add)) {
      // The chain so far is one side; the other is an input more.
      if (current >= 0) group.inputs.push_back(node(next).inputs[node(next).inputs[0] == current ? 1 : 0]);
      take(chain.add);
    }
    if (at(OpKind::activation) && node(next).activation != Activation::prelu) take(chain.activation);
    if (at(OpKind::dropout)) take(chain.dropout);
    const bool simple = chain.add < 0 && chain.drop_path < 0 && chain.scale < 0 &&
                        (chain.activation < 0 || node(chain.activation).is_relu());
    if (simple && at(OpKind::max_pool) && fits_chain(node(next))) take(chain.pool);
  }

  int only_user(int value) const {
    for (size_t i = static_cast<size_t>(value) + 1; i < graph_.nodes.size(); ++i) {
      if (std::ranges::find(graph_.nodes[i].inputs, value) != graph_.nodes[i].inputs.end()) {
        return static_cast<int>(i);
      }
    }
    return -1;
  }

  void find_learners() {
    std::vector<bool> learns(graph_.nodes.size(), false);
    std::vector<const Group*> user(graph_.nodes.size(), nullptr);
    for (Group& group : groups_) {
      for (int input : group.inputs) {
        group.learns = group.learns || learns[static_cast<size_t>(input)];
        user[static_cast<size_t>(input)] = &group;
      }
      const int owner = group.kind != GroupKind::chain ? group.node
                        : group.chain.norm >= 0        ? group.chain.norm
                                                       : group.chain.scale;
      if (owner >= 0) {
        for (int p : node(owner).parameters) {
          const bool trainable = graph_.parameters[static_cast<size_t>(p)].trainable;
          group.learns = group.learns || trainable;
          // What batch-norm's backward needs are the very sums that are its parameters' gradients.
          if (trainable || group.chain.norm >= 0) group.parameters.push_back(p);
        }
      }
      learns[static_cast<size_t>(group.last)] = group.learns;
    }
    for (Group& group : groups_) {
      const auto value = static_cast<size_t>(group.last);
      if (users_[value] != 1 || user[value]->chain.norm < 0 || user[value]->inputs[0] != group.last) continue;
      const OpKind kind = node(group.node).kind;
      if (group.kind != GroupKind::node || (kind != OpKind::conv2d && kind != OpKind::linear)) continue;
      group.norm_follows = true;
      if (node(group.node).bias) std::erase(group.parameters, node(group.node).parameters[1]);
    }
  }

  const Graph& graph_;
  std::vector<int> users_;
  std::vector<bool> taken_;
  std::vector<Group> groups_;
};

}  // namespace

std::vector<Group> fuse(const Graph& graph) {
  if (graph.nodes.size() < 2) throw Error(graph.model + ": the graph has no operation");
  return Fusion(graph).run();
}

}  // namespace frugal

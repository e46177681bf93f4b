// Which buffer holds each value and each gradient, and from when to when: gradients take the place of what
// nobody reads any more, and an addition hands its gradient on without a copy.
#pragma once

#include <vector>

#include "nn/call_order.h"

namespace frugal {

class ValuePlanner {
 public:
  /// Adds the buffers of all values to `context.buffers`.
  ValuePlanner(const OpContext& context, const std::vector<Group>& groups, const CallOrder& order);

  /// What a group's op is given. The output of the last one, when linear, is fp32 logits.
  std::vector<ValueBuffers> inputs(size_t group) const;
  ValueBuffers output(size_t group) const;
  ValueBuffers input() const { return buffers_of(0); }
  bool fp32_logits() const { return fp32_logits_; }

  /// Of the buffers that were added, by BufferId.
  const std::vector<Lifetime>& lifetimes() const { return lifetimes_; }

 private:
  struct Use {
    size_t group, index;  // which input of which group
  };
  struct Record {
    int producer = -1;      // group; -1: the graph's input
    std::vector<Use> uses;  // by group
    bool learns = false;
    BufferId data = -1, gradient = -1;
  };

  size_t storage(int node) const { return static_cast<size_t>(storage_[static_cast<size_t>(node)]); }
  const Node& node(int i) const { return context_.graph.nodes[static_cast<size_t>(i)]; }
  bool is_linear(const Group& group) const {
    return group.kind == GroupKind::node && node(group.node).kind == OpKind::linear;
  }
  ValueBuffers buffers_of(int i) const;
  BufferId add_buffer(int64_t sample_bytes);
  Lifetime& life(BufferId id) { return lifetimes_[static_cast<size_t>(id)]; }

  void collect();
  void place_data(size_t value);
  void place_gradient(size_t value);
  bool reads_own(size_t group, size_t input) const;
  bool may_overwrite(size_t group) const;
  BufferId shared_gradient(size_t value);
  Moment last_read_of_gradient(size_t value) const;

  const OpContext& context_;
  const std::vector<Group>& groups_;
  const CallOrder& order_;
  std::vector<int> storage_;     // by node: the node whose buffers hold its value
  std::vector<Record> records_;  // by node
  std::vector<Lifetime> lifetimes_;
  bool fp32_logits_ = false;
};

}  // namespace frugal

#include "nn/value_planner.h"

#include <algorithm>

#include "nn/ops/needs.h"

namespace frugal {
namespace {

/// The addition hands its output's gradient on as it is, up to what it can do in place.
bool passes_gradient(const ChainNodes& chain, size_t input) {
  if (chain.add < 0 || chain.pool >= 0) return false;
  return input == 1 || (chain.norm < 0 && chain.scale < 0 && chain.drop_path < 0);
}

}  // namespace

ValuePlanner::ValuePlanner(const OpContext& context, const std::vector<Group>& groups, const CallOrder& order)
    : context_(context), groups_(groups), order_(order), lifetimes_(context.buffers.size()) {
  collect();
  for (size_t v = 0; v < records_.size(); ++v) {
    if (storage_[v] == static_cast<int>(v)) place_data(v);
  }
  if (!context_.training) return;
  for (size_t v = records_.size(); v-- > 0;) {
    if (storage_[v] == static_cast<int>(v) && records_[v].learns) place_gradient(v);
  }
}

void ValuePlanner::collect() {
  const size_t nodes = context_.graph.nodes.size();
  storage_.assign(nodes, -1);
  records_.resize(nodes);
  storage_[0] = 0;
  for (size_t g = 0; g < groups_.size(); ++g) {
    const Group& group = groups_[g];
    if (group.kind == GroupKind::alias) {
      storage_[static_cast<size_t>(group.last)] = storage_[static_cast<size_t>(group.inputs[0])];
      continue;
    }
    for (size_t i = 0; i < group.inputs.size(); ++i)
      records_[storage(group.inputs[i])].uses.push_back({g, i});
    storage_[static_cast<size_t>(group.last)] = group.last;
    Record& made = records_[static_cast<size_t>(group.last)];
    made.producer = static_cast<int>(g);
    made.learns = group.learns;
  }
  const int logits = storage_[static_cast<size_t>(groups_.back().last)];
  fp32_logits_ = records_[static_cast<size_t>(logits)].producer >= 0 &&
                 is_linear(groups_[static_cast<size_t>(records_[static_cast<size_t>(logits)].producer)]);
}

BufferId ValuePlanner::add_buffer(int64_t sample_bytes) {
  context_.buffers.push_back({.sample_bytes = sample_bytes});
  lifetimes_.emplace_back();
  return static_cast<BufferId>(context_.buffers.size()) - 1;
}

/// Does the backward pass of the group read that input's data?
bool ValuePlanner::reads_own(size_t g, size_t input) const {
  const Group& group = groups_[g];
  if (group.kind == GroupKind::chain) {
    const ChainNeeds needs = chain_needs(context_.graph, group.chain);
    return input == 0 ? needs.input : needs.addend;
  }
  return backward_needs(node(group.node)).input;
}

/// May the group's backward pass write an input's gradient over that input's data?
bool ValuePlanner::may_overwrite(size_t g) const {
  return groups_[g].kind == GroupKind::chain || backward_needs(node(groups_[g].node)).in_place;
}

void ValuePlanner::place_data(size_t v) {
  Record& record = records_[v];
  if (v != 0 && record.producer < 0) return;  // lies within a group
  const bool logits = static_cast<int>(v) == storage_[static_cast<size_t>(groups_.back().last)];
  const int64_t element = logits && fp32_logits_ ? 4 : context_.type_bytes();
  record.data = add_buffer(node(static_cast<int>(v)).out.elements() * element);
  Lifetime& used = life(record.data);
  if (v == 0) {
    used.touch({0, 0});
  } else {
    const auto producer = static_cast<size_t>(record.producer);
    used.touch(order_.when(producer, Phase::forward));
    const Group& group = groups_[producer];
    const bool reads_output = group.kind == GroupKind::chain ? chain_needs(context_.graph, group.chain).output
                                                             : backward_needs(node(group.node)).output;
    if (context_.training && group.learns && reads_output) used.touch(order_.when(producer, Phase::backward));
  }
  if (logits) used.touch(order_.loss_at);
  for (const Use& use : record.uses) {
    used.touch(order_.when(use.group, Phase::forward));
    if (!context_.training || !groups_[use.group].learns) continue;
    if (reads_own(use.group, use.index)) used.touch(order_.when(use.group, Phase::backward));
    if (is_linear(groups_[use.group])) used.touch(order_.end);
  }
}

Moment ValuePlanner::last_read_of_gradient(size_t v) const {
  const auto producer = static_cast<size_t>(records_[v].producer);
  return is_linear(groups_[producer]) ? order_.end : order_.when(producer, Phase::backward);
}

/// The gradient of an addition that writes this value's gradient first, when nobody minds; else -1.
BufferId ValuePlanner::shared_gradient(size_t v) {
  const std::vector<Use>& uses = records_[v].uses;
  if (uses.empty()) return -1;
  const Use& first = uses.back();  // backward runs in reverse
  if (uses.size() > 1 && uses[uses.size() - 2].group == first.group) return -1;
  const Group& group = groups_[first.group];
  if (group.kind != GroupKind::chain || !passes_gradient(group.chain, first.index)) return -1;
  const BufferId gradient = records_[static_cast<size_t>(group.last)].gradient;
  if (passes_gradient(group.chain, 1 - first.index)) {
    // The other side may have it already. Both can, when one of them is never added to, and is read for the
    // last time, by something that leaves it as it is, before anything is added for the other.
    const size_t other = storage(group.inputs[1 - first.index]);
    const auto done_before = [&](size_t a, size_t b) {
      const Record& record = records_[a];
      if (record.uses.size() > 1 || groups_[static_cast<size_t>(record.producer)].kind == GroupKind::chain) {
        return false;
      }
      // What makes b, if that is a chain, may change the buffer, or hand it on to others that do.
      const auto maker = static_cast<size_t>(records_[b].producer);
      const int last_read = last_read_of_gradient(a).call;
      if (groups_[maker].kind == GroupKind::chain && last_read >= order_.when(maker, Phase::backward).call) {
        return false;
      }
      if (records_[b].uses.size() == 1) return true;
      const Use& next = records_[b].uses[records_[b].uses.size() - 2];
      return last_read < order_.when(next.group, Phase::backward).call;
    };
    if (records_[other].gradient == gradient && !done_before(v, other) && !done_before(other, v)) return -1;
  }
  return gradient;
}

void ValuePlanner::place_gradient(size_t v) {
  Record& record = records_[v];
  const bool logits = static_cast<int>(v) == storage_[static_cast<size_t>(groups_.back().last)];
  std::vector<Use> writers;
  for (const Use& use : record.uses) {
    if (groups_[use.group].learns) writers.push_back(use);
  }
  const Moment first = logits ? order_.loss_at : order_.when(writers.back().group, Phase::backward);
  record.gradient = shared_gradient(v);
  if (record.gradient < 0) {
    const int last_use = life(record.data).last.call;
    const bool over_data =
        !logits && (last_use < first.call ||
                    (last_use == first.call && writers.size() == 1 && may_overwrite(writers.back().group)));
    record.gradient = over_data
                          ? record.data
                          : add_buffer(node(static_cast<int>(v)).out.elements() * context_.type_bytes());
  }
  Lifetime& used = life(record.gradient);
  used.touch(first);
  for (const Use& use : writers) used.touch(order_.when(use.group, Phase::backward));
  const auto producer = static_cast<size_t>(record.producer);
  if (order_.when(producer, Phase::backward_statistics).call >= 0) {
    used.touch(order_.when(producer, Phase::backward_statistics));
  }
  used.touch(order_.when(producer, Phase::backward));
  used.touch(last_read_of_gradient(v));
}

ValueBuffers ValuePlanner::buffers_of(int i) const {
  const Record& record = records_[storage(i)];
  return {node(i).out, record.data, record.gradient, false};
}

ValueBuffers ValuePlanner::output(size_t group) const { return buffers_of(groups_[group].last); }

std::vector<ValueBuffers> ValuePlanner::inputs(size_t g) const {
  std::vector<ValueBuffers> result;
  for (size_t i = 0; i < groups_[g].inputs.size(); ++i) {
    ValueBuffers value = buffers_of(groups_[g].inputs[i]);
    // Backward runs in reverse; within an op, in order of its inputs.
    for (const Use& use : records_[storage(groups_[g].inputs[i])].uses) {
      value.accumulate = value.accumulate || use.group > g || (use.group == g && use.index < i);
    }
    result.push_back(value);
  }
  return result;
}

}  // namespace frugal

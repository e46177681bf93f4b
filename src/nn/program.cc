#include "nn/program.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"
#include "nn/call_order.h"
#include "nn/fusion.h"
#include "nn/ops/make.h"
#include "nn/value_planner.h"

namespace frugal {
namespace {

constexpr std::pair<Phase, void (Op::*)(const ShardRun&) const> calls_of_phases[] = {
    {Phase::forward_statistics, &Op::forward_statistics},
    {Phase::forward, &Op::forward},
    {Phase::backward_statistics, &Op::backward_statistics},
    {Phase::backward, &Op::backward},
};

/// What ops save lives from forward to backward; what they need within a call lies in a zone of its own
/// behind the arena, which every op has to itself while it runs.
class OpBuffers {
 public:
  OpBuffers(const OpContext& context, std::vector<Lifetime>& lifetimes)
      : context_(context), lifetimes_(lifetimes) {}

  /// The op that was just made, and all that `buffers` holds since the last call is its own.
  void belong_to(std::span<const Moment> moments) {
    scratch_.emplace_back(context_.scratch);
    for (size_t id = lifetimes_.size(); id < context_.buffers.size(); ++id) {
      Lifetime& life = lifetimes_.emplace_back();
      if (std::ranges::find(context_.scratch, static_cast<BufferId>(id)) != context_.scratch.end()) continue;
      for (const Moment& moment : moments) {
        if (moment.call >= 0) life.touch(moment);
      }
    }
    context_.scratch.clear();
  }

  /// Returns the worker arena's size with the zone.
  int64_t place_scratch(int64_t arena, int64_t shard) {
    const auto size = [&](BufferId id) {
      const BufferPlan& plan = context_.buffers[static_cast<size_t>(id)];
      return (plan.sample_bytes * shard + plan.fixed_bytes + 63) / 64 * 64;
    };
    context_.buffers[0].offset = arena;
    arena += size(0);
    int64_t end = arena;
    for (const std::vector<BufferId>& ids : scratch_) {
      int64_t offset = arena;
      for (BufferId id : ids) {
        context_.buffers[static_cast<size_t>(id)].offset = offset;
        offset += size(id);
      }
      end = std::max(end, offset);
    }
    return end;
  }

 private:
  const OpContext& context_;
  std::vector<Lifetime>& lifetimes_;
  std::vector<std::vector<BufferId>> scratch_;  // by op
};

}  // namespace

Program::Program(const Graph& graph, Parameters& parameters, PackedWeights& packed, int workers,
                 int64_t shard, bool training, bool bf16, bool sync)
    : buffers_(1) {
  if (training && graph.trainable_count() == 0)
    throw usage_error(graph.model + " has no parameter that is trained");
  std::vector<BufferId> scratch;
  const OpContext context{graph,   parameters, packed,   buffers_, scratch,         packings_,
                          workers, shard,      training, bf16,     sync && training};
  const std::vector<Group> groups = fuse(graph);
  const CallOrder order = order_calls(groups, graph, training, context.sync);
  const ValuePlanner values(context, groups, order);
  std::vector<Lifetime> lifetimes = values.lifetimes();
  OpBuffers op_buffers(context, lifetimes);

  std::map<int, const Op*> made;  // by group
  const auto keep = [&](int group, std::unique_ptr<Op> op, std::span<const Moment> moments) {
    op_buffers.belong_to(moments);
    made[group] = op.get();
    ops_.push_back(std::move(op));
  };
  const Moment start[] = {{0, 0}};
  keep(CallOrder::input, make_input_op(context, values.input()), start);
  for (size_t g = 0; g < groups.size(); ++g) {
    const Group& group = groups[g];
    if (group.kind == GroupKind::alias) continue;
    const std::vector<ValueBuffers> in = values.inputs(g);
    const ValueBuffers out = values.output(g);
    const bool last = out.data == values.output(groups.size() - 1).data;  // it may have further names
    keep(static_cast<int>(g), make_op(context, group, in, out, last && values.fp32_logits()),
         order.moments[g]);
    const Node& node = graph.nodes[static_cast<size_t>(group.node)];
    if (training && group.kind == GroupKind::node && node.kind == OpKind::linear &&
        !group.parameters.empty()) {
      const int bias = node.bias && !group.norm_follows ? node.parameters[1] : -1;
      deferred_.push_back(
          {group.node, node.parameters[0], bias, node.in.c, node.out.c, in[0].data, out.gradient});
    }
  }
  const Moment loss[] = {order.loss_at};
  keep(CallOrder::loss, make_loss_op(context, values.output(groups.size() - 1), values.fp32_logits()), loss);

  for (const Reductions& reductions : order.reductions) segments_.emplace_back().reductions = reductions;
  for (const CallOrder::Call& call : order.calls) {
    const int node = call.group < 0 ? 0 : groups[static_cast<size_t>(call.group)].node;
    segments_[static_cast<size_t>(call.at.segment)].calls.push_back(
        {made.at(call.group), calls_of_phases[static_cast<size_t>(call.phase)].second, node,
         call.phase >= Phase::backward_statistics});
  }
  arenas_ = place_buffers(buffers_, lifetimes, shard);
  arenas_.worker_bytes = op_buffers.place_scratch(arenas_.worker_bytes, shard);
}

ParameterRoles parameter_roles(const Graph& graph) {
  const size_t count = graph.parameters.size();
  ParameterRoles roles{std::vector<bool>(count, false), std::vector<bool>(count, false)};
  for (const Group& group : fuse(graph)) {
    const Node& node = graph.nodes[static_cast<size_t>(group.node)];
    const bool deferred = group.kind == GroupKind::node && node.kind == OpKind::linear;
    for (int p : group.parameters) {
      const auto i = static_cast<size_t>(p);
      roles.in_shards[i] = !deferred;
      roles.has_gradient[i] = graph.parameters[i].trainable;
    }
  }
  return roles;
}

}  // namespace frugal

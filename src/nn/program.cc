#include "nn/program.h"

#include <utility>

#include "nn/fusion.h"

namespace frugal {
namespace {

/// Decides where every value and its gradient lie.
class ValuePlanner {
 public:
  ValuePlanner(const OpContext& context, const std::vector<Group>& groups)
      : context_(context), groups_(groups) {
    for (size_t v = 0; v <= groups.size(); ++v) values_.push_back(plan(v));
  }
  const ValueBuffers& operator[](size_t value) const { return values_[value]; }

 private:
  bool made_by(size_t v, GroupKind kind) const { return v > 0 && groups_[v - 1].kind == kind; }
  bool used_by(size_t v, GroupKind kind) const { return v < groups_.size() && groups_[v].kind == kind; }

  ValueBuffers plan(size_t v) {
    if (made_by(v, GroupKind::alias))
      return {groups_[v - 1].out, values_[v - 1].data, values_[v - 1].gradient};
    const Shape shape = v == 0 ? groups_[0].in : groups_[v - 1].out;
    ValueBuffers value{shape, -1, -1};
    const bool fp32_logits = v == groups_.size() && made_by(v, GroupKind::linear);
    const int64_t bytes = shape.elements() * context_.type_bytes();
    // What a deferred weight gradient reads must outlive the shard; an alias passes its value on to the next
    // user.
    const size_t user = used_by(v, GroupKind::alias) ? v + 1 : v;
    const bool deferred =
        context_.training && (made_by(v, GroupKind::linear) || used_by(user, GroupKind::linear));
    const Scope scope = context_.training && (context_.sync || deferred) ? Scope::batch : Scope::worker;
    value.data = context_.add_buffer(scope, fp32_logits ? shape.elements() * 4 : bytes);
    const bool needs_gradient =
        context_.training && v > 0 && (groups_[v - 1].learns || groups_[v - 1].input_learns);
    if (!needs_gradient) return value;
    // The gradient may overwrite the value unless somebody reads the value later: the deferred gradient of
    // the linear layer that uses it, or the chain that made it and tells by its zeros what ReLU and dropout
    // let through.
    const bool read_later =
        used_by(user, GroupKind::linear) || (made_by(v, GroupKind::chain) && groups_[v - 1].chain.pool < 0);
    value.gradient = fp32_logits || read_later ? context_.add_buffer(scope, bytes) : value.data;
    return value;
  }

  const OpContext& context_;
  const std::vector<Group>& groups_;
  std::vector<ValueBuffers> values_;
};

std::unique_ptr<Op> make_op(const OpContext& context, const Group& group, const ValueBuffers& in,
                            const ValueBuffers& out, bool last) {
  const Node& node = context.graph.nodes[static_cast<size_t>(group.node)];
  switch (group.kind) {
    case GroupKind::conv:
      return make_conv_op(context, node, in, out, !group.norm_follows);
    case GroupKind::linear:
      return make_linear_op(context, node, in, out, last);
    case GroupKind::chain:
      return make_chain_op(context, group.chain, in, out);
    case GroupKind::max_pool:
      return make_max_pool_op(context, node, in, out);
    case GroupKind::flatten:
      return make_flatten_op(context, node, in, out);
    case GroupKind::alias:
      break;
  }
  return nullptr;
}

}  // namespace

Program::Program(const Graph& graph, Parameters& parameters, PackedWeights& packed, int workers,
                 int64_t shard, bool training, bool bf16, bool sync)
    : buffers_(1) {
  const OpContext context{graph,   parameters, packed,   buffers_, packings_,
                          workers, shard,      training, bf16,     sync && training};
  const std::vector<Group> groups = fuse(graph);
  const ValuePlanner values(context, groups);

  struct Planned {
    const Group* group;
    const Op* op;
  };
  std::vector<Planned> planned;
  segments_.emplace_back();
  ops_.push_back(make_input_op(context, values[0]));
  segments_.back().calls.push_back({ops_.back().get(), &Op::forward});
  for (size_t g = 0; g < groups.size(); ++g) {
    const Group& group = groups[g];
    const Node& node = graph.nodes[static_cast<size_t>(group.node)];
    if (training && group.kind == GroupKind::linear) {
      deferred_.push_back({node.parameters[0], node.bias ? node.parameters[1] : -1, node.in.c, node.out.c,
                           values[g].data, values[g + 1].gradient});
    }
    std::unique_ptr<Op> op = make_op(context, group, values[g], values[g + 1], g + 1 == groups.size());
    if (!op) continue;
    if (training && group.chain.norm >= 0) {
      segments_.back().calls.push_back({op.get(), &Op::forward_statistics});
      if (context.sync) cut({.gradients = {}, .moments = {group.chain.norm_index}});
    }
    segments_.back().calls.push_back({op.get(), &Op::forward});
    planned.push_back({&group, op.get()});
    ops_.push_back(std::move(op));
  }
  ops_.push_back(make_loss_op(context, values[groups.size()], groups.back().kind == GroupKind::linear));
  segments_.back().calls.push_back({ops_.back().get(), &Op::forward});

  if (training) {
    Reductions rest{.gradients = {}, .moments = {}, .loss = true};
    for (auto it = planned.rbegin(); it != planned.rend(); ++it) {
      const auto& [group, op] = *it;
      if (group->chain.norm >= 0) {
        const std::vector<int>& affine = graph.nodes[static_cast<size_t>(group->chain.norm)].parameters;
        segments_.back().calls.push_back({op, &Op::backward_statistics});
        if (context.sync) {
          cut({.gradients = affine, .moments = {}});
        } else {
          rest.gradients.insert(rest.gradients.end(), affine.begin(), affine.end());
          rest.moments.push_back(group->chain.norm_index);
        }
      } else if (group->kind == GroupKind::conv) {
        const Node& node = graph.nodes[static_cast<size_t>(group->node)];
        rest.gradients.push_back(node.parameters[0]);
        if (node.bias && !group->norm_follows) rest.gradients.push_back(node.parameters[1]);
      }
      segments_.back().calls.push_back({op, &Op::backward});
    }
    segments_.back().reductions = std::move(rest);
  }
  for (BufferPlan& buffer : buffers_) {
    if (buffer.scope != Scope::worker) continue;
    buffer.offset = arena_bytes_;
    arena_bytes_ += (buffer.sample_bytes * shard + buffer.fixed_bytes + 63) / 64 * 64;
  }
}

void Program::cut(Reductions reductions) {
  segments_.back().reductions = std::move(reductions);
  segments_.emplace_back();
}

std::vector<bool> gradients_in_shards(const Graph& graph) {
  std::vector<bool> result(graph.parameters.size(), false);
  for (const Group& group : fuse(graph)) {
    const Node& node = graph.nodes[static_cast<size_t>(group.node)];
    if (group.kind == GroupKind::conv) {
      result[static_cast<size_t>(node.parameters[0])] = true;
      if (node.bias && !group.norm_follows) result[static_cast<size_t>(node.parameters[1])] = true;
    } else if (group.chain.norm >= 0) {
      for (int p : graph.nodes[static_cast<size_t>(group.chain.norm)].parameters) {
        result[static_cast<size_t>(p)] = true;
      }
    }
  }
  return result;
}

}  // namespace frugal

#include "nn/call_order.h"

namespace frugal {
namespace {

constexpr Moment never = {-1, -1};

class Ordering {
 public:
  explicit Ordering(size_t groups) {
    order_.moments.assign(groups, {never, never, never, never});
    order_.reductions.emplace_back();
  }

  void call(int group, Phase phase) {
    const Moment now{call_++, segment()};
    order_.calls.push_back({group, phase, now});
    if (group >= 0) order_.moments[static_cast<size_t>(group)][static_cast<size_t>(phase)] = now;
    if (group == CallOrder::loss) order_.loss_at = now;
  }

  /// What shards have yielded so far is combined; what follows is a new segment.
  Reductions& reductions() { return order_.reductions.back(); }
  void cut() { order_.reductions.emplace_back(); }

  CallOrder finish() {
    order_.end = {call_, segment() + 1};
    return std::move(order_);
  }

 private:
  int segment() const { return static_cast<int>(order_.reductions.size()) - 1; }
  CallOrder order_;
  int call_ = 0;
};

}  // namespace

CallOrder order_calls(const std::vector<Group>& groups, const Graph& graph, bool training, bool sync) {
  Ordering order(groups.size());
  order.call(CallOrder::input, Phase::forward);
  for (size_t g = 0; g < groups.size(); ++g) {
    const int index = static_cast<int>(g);
    if (groups[g].kind == GroupKind::alias) continue;
    if (training && groups[g].chain.norm >= 0) {
      order.call(index, Phase::forward_statistics);
      if (sync) {
        order.reductions().moments.push_back(groups[g].chain.norm_index);
        order.cut();
      }
    }
    order.call(index, Phase::forward);
  }
  order.call(CallOrder::loss, Phase::forward);
  if (!training) return order.finish();

  Reductions rest;  // what nobody needs before the end of the step
  rest.loss = true;
  for (size_t g = groups.size(); g-- > 0;) {
    const Group& group = groups[g];
    if (group.kind == GroupKind::alias) continue;
    const int index = static_cast<int>(g);
    const bool norm = group.chain.norm >= 0;
    // Also of a frozen one: its running statistics go on.
    if (norm && !sync) rest.moments.push_back(group.chain.norm_index);
    if (!group.learns) continue;
    if (norm) order.call(index, Phase::backward_statistics);
    if (norm && sync) {
      order.reductions().gradients = group.parameters;
      order.cut();
    } else if (graph.nodes[static_cast<size_t>(group.node)].kind != OpKind::linear ||
               group.kind == GroupKind::chain) {
      rest.gradients.insert(rest.gradients.end(), group.parameters.begin(), group.parameters.end());
    }
    order.call(index, Phase::backward);
  }
  order.reductions() = std::move(rest);
  return order.finish();
}

}  // namespace frugal

// Which call of which op runs when: forward in the order of the groups, backward in reverse, cut into
// segments where shards must meet.
#pragma once

#include <array>
#include <vector>

#include "nn/fusion.h"
#include "nn/lifetimes.h"
#include "nn/partials.h"

namespace frugal {

enum class Phase { forward_statistics, forward, backward_statistics, backward };

struct CallOrder {
  static constexpr int input = -1;  // stands for the op that fills the input
  static constexpr int loss = -2;

  struct Call {
    int group;  // or `input`, `loss`
    Phase phase;
    Moment at;
  };
  std::vector<Call> calls;
  std::vector<Reductions> reductions;          // by segment
  std::vector<std::array<Moment, 4>> moments;  // by group and phase; call -1: never
  Moment loss_at;
  Moment end;  // behind all segments: where gradients over the whole batch are made

  Moment when(size_t group, Phase phase) const { return moments[group][static_cast<size_t>(phase)]; }
};

/// `sync`: batch-norms meet, forward and backward.
CallOrder order_calls(const std::vector<Group>& groups, const Graph& graph, bool training, bool sync);

}  // namespace frugal

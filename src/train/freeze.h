// Which parameters are left as they are, and until when: `--freeze`, for networks that begin with weights
// from elsewhere.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace frugal {

/// What `--freeze` says of the parameters that its pattern fits; later rules win.
struct FreezeRule {
  std::string pattern;  // text.h's matches_glob
  double until = 0;     // progress of the run from which they are trained: 0 always, above 1 never
};

/// "none" (empty), or a list of PATTERN (frozen), PATTERN@PROGRESS (until then) and !PATTERN (trained after
/// all):
/// "*,!fc.*" is all but fc. Anything else is a usage error.
std::vector<FreezeRule> parse_freeze(const std::string& text);

/// `--freeze-bn`: do running statistics of a frozen batch-norm stay as well ("fixed"), and is what they say
/// what training normalises by; or does training use the batch's and they go on adapting ("train", as PyTorch
/// does where only requires_grad is turned off)? Any other word is a usage error.
bool parse_freeze_bn(const std::string& text);

/// A pattern that fits no parameter is a usage error that lists their names; so is leaving nothing to train.
void check_freeze(const std::vector<FreezeRule>& rules, const Graph& graph);

/// The network as it is trained at `progress`, in [0, 1]: what is frozen then is not trainable, and a
/// batch-norm all of whose parameters are frozen has fixed statistics, if `fix_statistics`. At 1 it is what
/// is frozen for the whole run.
Graph frozen_at(Graph graph, const std::vector<FreezeRule>& rules, bool fix_statistics, double progress);

/// At which progresses, above 0 and in order, frozen_at changes.
std::vector<double> thaws(const std::vector<FreezeRule>& rules);

}  // namespace frugal

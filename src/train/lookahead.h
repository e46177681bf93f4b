// Lookahead: slow weights that every k steps follow the weights of another optimizer, which then go on from
// there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "train/optimizer.h"

namespace frugal {

struct LookaheadOptions {
  int64_t every = 0;  // steps, the paper's k; 0: no lookahead
  double alpha = 0.5;
};

/// "none", "5", "5:alpha=0.8". Everything else is a usage error.
LookaheadOptions parse_lookahead(const std::string& text);

/// Zhang et al., "Lookahead Optimizer: k steps forward, 1 step back", 2019, algorithm 1: after every k steps
/// of `inner` slow += alpha * (weights - slow), weights = slow. `inner` keeps its momentum. The slow weights
/// are a state of their own behind those of `inner`; before the first step they are the weights.
std::unique_ptr<Optimizer> make_lookahead(std::unique_ptr<Optimizer> inner, const LookaheadOptions& options,
                                          Parameters& parameters);

}  // namespace frugal

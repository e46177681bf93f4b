// Muon: momentum whose direction is made orthogonal, for weights that are matrices within the network; SGD
// for the rest.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "graph/graph.h"
#include "train/groups.h"
#include "train/optimizer.h"

namespace frugal {

struct MuonOptions {
  double momentum = 0.95;   // of the matrices
  bool nesterov = true;     // of both parts
  int64_t ns_steps = 5;     // of Newton and Schulz
  double sgd_lr = 1;        // factor of the rate of what SGD takes
  double sgd_momentum = 0;  // --momentum
  bool normalize = false;   // matrices keep the norm sqrt(rows), as in airbench94_muon.py
};

/// The parameters that Muon takes, as its author advises (github.com/KellerJordan/Muon): trained weights of
/// convolutions and linear layers but for the network's first and last one. Convolutions in groups are left
/// to SGD: side by side their filters form no linear map.
std::vector<int> muon_parameters(const Graph& graph);

/// Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024, and the code there: with a
/// weight as a matrix [out, in * h * w] and g its gradient, m = momentum * m + (1 - momentum) * g,
/// u = nesterov ? momentum * m + (1 - momentum) * g : m, w = (1 - lr * decay) * w - lr * scale * NS(u), where
/// scale is sqrt(max(1, rows / columns)) for linear layers and, as in that code, 1 for convolutions.
/// Everything else as sgd_momentum_pass. Products are bf16 where the engine computes in bf16. One state: m,
/// or SGD's velocity.
std::unique_ptr<Optimizer> make_muon(const MuonOptions& options, const ParameterGroups& groups,
                                     Engine& engine, const Graph& graph);

}  // namespace frugal

// How each parameter starts, by its ParameterSpec: the laws of torch.nn.init with random numbers of our own.
#pragma once

#include <cstdint>
#include <span>

#include "graph/graph.h"

namespace frugal {

/// Fills `values` (in the parameter's shape, PyTorch's order) from Philox (seed, initialise, index), where
/// `index` is the parameter's place in Graph::parameters. The laws are those of torch.nn.init: uniform and
/// normal ones with fans of the shape [out, in / groups, kernel height, kernel width] and ReLU's gain for
/// Kaiming. Orthogonal makes the rows or the columns orthonormal, whichever are fewer. Dirac makes the first
/// min(out, in) filters pass their channel on at the kernel's centre (dirac_), and the rest starts as by
/// default (Keller Jordan's airbench). Whitening is zero here: train/whitening.h computes it from the data.
/// A law that needs fans is an Error for a parameter that has none.
void initialise_parameter(const ParameterSpec& spec, uint64_t seed, uint32_t index, std::span<float> values);

}  // namespace frugal

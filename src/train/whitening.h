// The whitening stem of Keller Jordan's airbench ("94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024,
// section 3.2; code at github.com/KellerJordan/cifar10-airbench): a first convolution whose filters are
// computed from the images, so that what comes out is uncorrelated and of one size.
#pragma once

#include <cstdint>
#include <span>

#include "data/dataset.h"
#include "graph/graph.h"
#include "nn/engine.h"

namespace frugal {

/// Writes every weight of Init::whitening: of the patches that the convolution sees in the first 5,000 images
/// `ids` as they enter the network (normalised, not augmented), the eigenvectors of E[x x^T] with the largest
/// eigenvalues l, over sqrt(l + 5e-4); first the filters, then their negatives. Padding and stride of the
/// convolution are left out of account, as in airbench. Tells the engine that weights have changed; does
/// nothing where there is no such weight.
///
/// An Error names the layer where whitening cannot be: behind another layer, in groups, with an odd number of
/// filters or more than twice what a patch holds, or with patches larger than an image or 512 numbers.
void whiten(Engine& engine, const Graph& graph, const ImageSet& images, std::span<const int32_t> ids,
            const Normalization& normalization);

}  // namespace frugal

// The diagonal of the Fisher information of a trained network: how much each weight matters for what it has
// learned.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "data/dataset.h"
#include "graph/graph.h"
#include "nn/engine.h"

namespace frugal {

/// Whose labels the gradients are taken of.
enum class FisherLabels {
  sampled,    // drawn from what the network predicts: the Fisher information
  empirical,  // the data's: the "empirical Fisher", which is another thing (Kunstner et al. 2019)
};

struct FisherOptions {
  FisherLabels labels = FisherLabels::sampled;
  uint64_t seed = 1;  // of the drawn labels
  /// Those that the network tells apart in its task, the others' logits masked; empty: all.
  std::vector<int32_t> classes = {};
};

/// The mean over the images `ids` of the squared gradients of log p(label | image), of every trainable
/// parameter (Kirkpatrick et al. 2017; F. Huszar's note on it, 2018): [Parameters::weights() layout]. The
/// network is as in evaluation: running statistics, no dropout. The engine must train at
/// `fisher_graph(graph)`.
AlignedFloats fisher_diagonal(Engine& engine, const ImageSet& images, std::span<const int32_t> ids,
                              const Normalization& normalization, const FisherOptions& options);

/// The network as it is evaluated, to be trained: fixed statistics, no dropout.
Graph fisher_graph(Graph graph);

/// Weights, and the diagonal as "fisher.NAME": what train/anchor.h reads.
void write_fisher(const std::filesystem::path& path, const Parameters& parameters,
                  const AlignedFloats& fisher, int64_t images, FisherLabels labels);

/// Whether write_fisher wrote what is at `path`; not, where it cannot be read.
bool is_fisher_file(const std::filesystem::path& path);

}  // namespace frugal

// What `--from` names, read and matched to the network.
#pragma once

#include <string>

#include "base/tensor_file.h"
#include "graph/graph.h"
#include "train/initial_weights.h"

namespace frugal {

struct InitialWeights {
  std::string path;  // of the file
  TensorFile file;
  WeightMatching matching;
};

/// A run is its best weights. Where nothing in the file fits it is an Error; `flag` is what named the file.
InitialWeights read_initial_weights(const std::string& from, const Graph& graph,
                                    const std::string& flag = "--from ");

/// What to say where so little of the network came from the file that it is hardly what was meant; else
/// empty.
std::string doubt_text(const InitialWeights& from, const Graph& graph);

}  // namespace frugal

// What `--from` names, read and matched to the network, and how that is told.
#pragma once

#include <nlohmann/json.hpp>
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

/// A run is its best weights. Where nothing in the file fits it is an Error.
InitialWeights read_initial_weights(const std::string& from, const Graph& graph);

/// How much fitted, and a table of what did not fit by name: lines of text.
std::string matching_text(const InitialWeights& from);
nlohmann::ordered_json matching_json(const InitialWeights& from);

}  // namespace frugal

// Weights from elsewhere to begin with (`--from`): which tensor of a file each of a network's tensors starts
// as.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/tensor_file.h"
#include "graph/graph.h"
#include "nn/parameters.h"

namespace frugal {

/// How one of the network's tensors was found.
enum class MatchedBy {
  name,      // the same name and shape
  position,  // another name, but the same shape and kind in the same order
  nothing,   // it starts as the network's initialisation says
};

struct WeightMatch {
  std::string name = {};  // the network's, as is the shape
  std::vector<int64_t> shape = {};
  bool buffer = false;
  int index = 0;  // in Graph::parameters or Graph::buffers
  MatchedBy by = MatchedBy::nothing;
  std::string source = {};  // the file's name of it; where shapes differ, that of the same name
  std::vector<int64_t> source_shape = {};  // of `source`
};

struct WeightMatching {
  std::vector<WeightMatch> tensors;  // every parameter, then every buffer
  std::vector<std::string> unused;   // of the file; counters of batches are not mentioned
  bool alphabetical = false;         // the file's order is the alphabet's: nothing was matched by position
  int64_t matched() const;
};

/// By name where name and shape are the same, but for what may stand before all names of the file
/// ("module."). What is left on both sides is then matched by position: the longest sequence of tensors of
/// equal shape and kind (weight, bias, running_mean, ... : the name's last part) in both orders; not where
/// the file's order is the alphabet's.
WeightMatching match_weights(const Graph& graph, std::span<const TensorRecord> tensors);

/// An Error where what matched holds numbers that are not finite, or of a type that none can be made of.
void check_matched(const WeightMatching& matching, std::span<const TensorRecord> tensors);

/// Copies what matched; types other than F32 are converted. Returns the parameters that were filled.
std::vector<int> copy_matched(const WeightMatching& matching, std::span<const TensorRecord> tensors,
                              Parameters& parameters);

}  // namespace frugal

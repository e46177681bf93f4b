#include "run/from_file.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "eval/loaded_model.h"
#include "interop/weights_file.h"
#include "train/checkpoint_info.h"

namespace frugal {
namespace {

/// Optimizer states and averages in a run's `last` are no weights to begin with.
void keep_weights(TensorFile& file) {
  if (!is_from_frugal(file.metadata)) return;
  std::erase_if(file.tensors, [](const TensorRecord& tensor) {
    return tensor.name.starts_with("optimizer.") || tensor.name.starts_with("ema.");
  });
}

}  // namespace

InitialWeights read_initial_weights(const std::string& from, const Graph& graph, const std::string& flag) {
  InitialWeights weights;
  weights.path = find_model(from).weights.string();
  weights.file = read_weights_file(weights.path);
  keep_weights(weights.file);
  weights.matching = match_weights(graph, weights.file.tensors);
  if (weights.matching.matched() == 0) {
    std::vector<std::string> some;
    for (size_t i = 0; i < std::min<size_t>(weights.file.tensors.size(), 5); ++i) {
      some.push_back(in_quotes(weights.file.tensors[i].name) + " " +
                     dimensions_text(weights.file.tensors[i].shape));
    }
    throw Error(
        flag + weights.path + ": none of its tensors fits " + graph.model + "; it begins with " + join(some) +
        (weights.matching.alphabetical
             ? "; they are in the alphabet's order, which does not tell the order of layers: names are all "
               "there is to go by"
             : ""));
  }
  try {
    check_matched(weights.matching, weights.file.tensors);
  } catch (const Error& error) {
    throw Error(flag + weights.path + ": " + error.what());
  }
  return weights;
}

std::string doubt_text(const InitialWeights& from, const Graph& graph) {
  constexpr double least = 0.25;
  double all = 0, filled = 0;
  for (const WeightMatch& match : from.matching.tensors) {
    if (match.buffer) continue;
    const auto numbers = static_cast<double>(graph.parameters[static_cast<size_t>(match.index)].elements());
    all += numbers;
    if (match.by != MatchedBy::nothing) filled += numbers;
  }
  if (filled >= least * all) return "";
  char share[32];
  std::snprintf(share, sizeof share, "%.1f", 100 * filled / all);
  return "--from " + from.path + ": only " + share + " % of the weights of " + graph.model +
         " are in it; is it of another network?";
}

}  // namespace frugal

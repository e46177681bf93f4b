#include "cli/initial_weights.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include "base/columns.h"
#include "base/error.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/output.h"
#include "eval/loaded_model.h"
#include "interop/weights_file.h"
#include "train/checkpoint_info.h"

namespace frugal {
namespace {

const char* word(MatchedBy by) {
  switch (by) {
    case MatchedBy::name:
      return "name";
    case MatchedBy::position:
      return "position";
    default:
      return "nothing";
  }
}

/// Optimizer states and averages in a run's `last` are no weights to begin with.
void keep_weights(TensorFile& file) {
  if (!is_from_frugal(file.metadata)) return;
  std::erase_if(file.tensors, [](const TensorRecord& tensor) {
    return tensor.name.starts_with("optimizer.") || tensor.name.starts_with("ema.");
  });
}

}  // namespace

InitialWeights read_initial_weights(const std::string& from, const Graph& graph) {
  InitialWeights weights;
  weights.path = find_model(from).weights.string();
  weights.file = read_weights_file(weights.path);
  keep_weights(weights.file);
  weights.matching = match_weights(graph, weights.file.tensors);
  if (weights.matching.matched() == 0) {
    std::vector<std::string> some;
    for (size_t i = 0; i < std::min<size_t>(weights.file.tensors.size(), 5); ++i) {
      some.push_back(weights.file.tensors[i].name + " " + dimensions_text(weights.file.tensors[i].shape));
    }
    throw Error("--from " + weights.path + ": none of its tensors fits " + graph.model + "; it begins with " +
                join(some));
  }
  return weights;
}

std::string matching_text(const InitialWeights& from) {
  const WeightMatching& matching = from.matching;
  std::string text = "from        " + from.path + " (" + from.file.format +
                     "): " + with_thousands(matching.matched()) + " of " +
                     with_thousands(std::ssize(matching.tensors)) + " tensors\n";
  std::vector<std::vector<std::string>> rows;
  for (const WeightMatch& match : matching.tensors) {
    if (match.by == MatchedBy::name) continue;
    const std::string how = match.by == MatchedBy::position ? "is " + match.source + ", by shape and position"
                            : match.source.empty()
                                ? "is not in it: starts afresh"
                                : "is " + dimensions_text(match.source_shape) + " in it: starts afresh";
    rows.push_back({"           ", match.name, dimensions_text(match.shape), how});
  }
  for (const std::string& name : matching.unused) {
    const bool told =
        std::ranges::any_of(matching.tensors, [&](const WeightMatch& m) { return m.source == name; });
    if (!told) rows.push_back({"           ", name, "", "in it alone: not used"});
  }
  return rows.empty() ? text : text + align_columns(rows, 4);
}

nlohmann::ordered_json matching_json(const InitialWeights& from) {
  Json tensors = Json::array();
  for (const WeightMatch& match : from.matching.tensors) {
    Json row = {{"name", match.name}, {"by", word(match.by)}};
    if (!match.source.empty()) row["source"] = match.source;
    tensors.push_back(std::move(row));
  }
  return {{"event", "from"},
          {"file", from.path},
          {"format", from.file.format},
          {"matched", from.matching.matched()},
          {"tensors", std::move(tensors)},
          {"unused", from.matching.unused}};
}

}  // namespace frugal

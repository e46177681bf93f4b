#include "cli/matching.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/columns.h"
#include "base/units.h"

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

}  // namespace

std::string matching_text(const InitialWeights& from) {
  const WeightMatching& matching = from.matching;
  std::string text = "from        " + from.path + " (" + from.file.format +
                     "): " + with_thousands(matching.matched()) + " of " +
                     with_thousands(std::ssize(matching.tensors)) + " tensors\n";
  std::vector<std::vector<std::string>> rows;
  for (const WeightMatch& match : matching.tensors) {
    if (match.by == MatchedBy::name) continue;
    const std::string how =
        match.by == MatchedBy::position ? "is " + printable(match.source) + ", by shape and position"
        : match.source.empty()          ? "is not in it: starts afresh"
                               : "is " + dimensions_text(match.source_shape) + " in it: starts afresh";
    rows.push_back({"           ", match.name, dimensions_text(match.shape), how});
  }
  for (const std::string& name : matching.unused) {
    const bool told =
        std::ranges::any_of(matching.tensors, [&](const WeightMatch& m) { return m.source == name; });
    if (!told) rows.push_back({"           ", printable(name), "", "in it alone: not used"});
  }
  if (matching.alphabetical && !rows.empty()) {
    text +=
        "            its tensors are in the alphabet's order, not the layers': names are all there is to go "
        "by\n";
  }
  return rows.empty() ? text : text + align_columns(rows, 4, terminal_width());
}

Json matching_json(const InitialWeights& from) {
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

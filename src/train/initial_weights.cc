#include "train/initial_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace frugal {
namespace {

/// "weight" of "layer1.0.conv1.weight".
std::string kind_of(const std::string& name) { return name.substr(name.rfind('.') + 1); }

/// Pairs (own, theirs) of a longest common subsequence, in order; of two as long, the one that matches
/// sooner.
template <class Equal>
std::vector<std::pair<size_t, size_t>> longest_common(size_t own, size_t theirs, Equal&& equal) {
  const size_t width = theirs + 1;
  std::vector<int32_t> length((own + 1) * width, 0);  // of what is left from (i, j) on
  for (size_t i = own; i-- > 0;) {
    for (size_t j = theirs; j-- > 0;) {
      length[i * width + j] = equal(i, j) ? 1 + length[(i + 1) * width + j + 1]
                                          : std::max(length[(i + 1) * width + j], length[i * width + j + 1]);
    }
  }
  std::vector<std::pair<size_t, size_t>> pairs;
  for (size_t i = 0, j = 0; i < own && j < theirs;) {
    if (equal(i, j)) {
      pairs.emplace_back(i++, j++);
    } else if (length[(i + 1) * width + j] >= length[i * width + j + 1]) {
      ++i;
    } else {
      ++j;
    }
  }
  return pairs;
}

/// What stands before the network's names in the file's ("module.", "model."): where it does for most of the
/// tensors. Less would be a block whose layers are called as the network's first ones.
std::string shared_prefix(const std::vector<WeightMatch>& own, std::span<const TensorRecord> tensors) {
  std::set<std::string_view> names;
  for (const WeightMatch& match : own) names.insert(match.name);
  std::map<std::string, int64_t> counts;
  for (const TensorRecord& tensor : tensors) {
    if (kind_of(tensor.name) == "num_batches_tracked") continue;
    // The whole name, then what is left behind each dot.
    for (size_t at = 0;;) {
      if (names.contains(std::string_view(tensor.name).substr(at))) ++counts[tensor.name.substr(0, at)];
      const size_t dot = tensor.name.find('.', at);
      if (dot == std::string::npos) break;
      at = dot + 1;
    }
  }
  const auto most = std::ranges::max_element(counts, {}, [](const auto& each) { return each.second; });
  const auto all = static_cast<int64_t>(std::min(own.size(), tensors.size()));
  return most != counts.end() && 2 * most->second > all ? most->first : "";
}

/// Whether the tensors are in the alphabet's order, in which Python's safetensors writes those of a type: it
/// tells nothing of the order of layers. A layer's order has its weight before its bias.
bool is_alphabetical(std::span<const TensorRecord> tensors) {
  for (size_t i = 1; i < tensors.size(); ++i) {
    if (tensors[i].dtype == tensors[i - 1].dtype && tensors[i].name < tensors[i - 1].name) return false;
  }
  std::set<std::string> biases;
  const auto has_earlier_bias = [&](const TensorRecord& tensor) {
    const std::string kind = kind_of(tensor.name), layer = tensor.name.substr(0, tensor.name.rfind('.') + 1);
    if (kind == "bias") biases.insert(layer);
    return kind == "weight" && biases.contains(layer);
  };
  return std::ranges::any_of(tensors, has_earlier_bias);
}

std::vector<WeightMatch> tensors_of(const Graph& graph) {
  std::vector<WeightMatch> all;
  for (size_t i = 0; i < graph.parameters.size(); ++i) {
    const ParameterSpec& own = graph.parameters[i];
    all.push_back({.name = own.name, .shape = own.shape, .index = static_cast<int>(i)});
  }
  for (size_t i = 0; i < graph.buffers.size(); ++i) {
    const BufferSpec& own = graph.buffers[i];
    all.push_back({.name = own.name, .shape = own.shape, .buffer = true, .index = static_cast<int>(i)});
  }
  return all;
}

}  // namespace

int64_t WeightMatching::matched() const {
  return std::ranges::count_if(tensors, [](const WeightMatch& t) { return t.by != MatchedBy::nothing; });
}

WeightMatching match_weights(const Graph& graph, std::span<const TensorRecord> tensors) {
  WeightMatching matching{tensors_of(graph), {}};
  std::map<std::string, size_t> by_name;
  for (size_t i = 0; i < tensors.size(); ++i) by_name.emplace(tensors[i].name, i);
  const std::string prefix = shared_prefix(matching.tensors, tensors);
  std::vector<bool> used(tensors.size(), false);
  const auto take = [&](WeightMatch& own, size_t theirs, MatchedBy by) {
    own.by = by;
    own.source = tensors[theirs].name;
    own.source_shape = tensors[theirs].shape;
    used[theirs] = used[theirs] || by != MatchedBy::nothing;
  };
  for (WeightMatch& own : matching.tensors) {
    auto found = by_name.find(prefix + own.name);
    if (found == by_name.end()) found = by_name.find(own.name);
    if (found == by_name.end()) continue;
    const bool same = tensors[found->second].shape == own.shape;
    take(own, found->second, same ? MatchedBy::name : MatchedBy::nothing);
  }
  // What has a namesake of another shape is that tensor in the other network: nothing else stands for it.
  std::vector<size_t> own_left, their_left;
  for (size_t i = 0; i < matching.tensors.size(); ++i) {
    if (matching.tensors[i].source.empty()) own_left.push_back(i);
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    const bool namesake = std::ranges::any_of(
        matching.tensors, [&](const WeightMatch& own) { return own.source == tensors[i].name; });
    if (!namesake && kind_of(tensors[i].name) != "num_batches_tracked") their_left.push_back(i);
  }
  constexpr size_t most = 100'000'000;  // cells of the table
  matching.alphabetical = is_alphabetical(tensors);
  if (!matching.alphabetical && own_left.size() * their_left.size() <= most) {
    // PyTorch's order has buffers between the parameters, ours behind them: each kind for itself.
    for (const bool buffer : {false, true}) {
      std::vector<size_t> own, theirs;
      for (const size_t i : own_left) {
        if (matching.tensors[i].buffer == buffer) own.push_back(i);
      }
      for (const size_t i : their_left) {
        const bool running = kind_of(tensors[i].name).starts_with("running_");
        if (running == buffer) theirs.push_back(i);
      }
      const auto equal = [&](size_t i, size_t j) {
        const WeightMatch& a = matching.tensors[own[i]];
        const TensorRecord& b = tensors[theirs[j]];
        return a.shape == b.shape && kind_of(a.name) == kind_of(b.name);
      };
      for (const auto& [i, j] : longest_common(own.size(), theirs.size(), equal)) {
        take(matching.tensors[own[i]], theirs[j], MatchedBy::position);
      }
    }
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!used[i] && kind_of(tensors[i].name) != "num_batches_tracked") {
      matching.unused.push_back(tensors[i].name);
    }
  }
  return matching;
}

namespace {

/// PyTorch's counter of each batch-norm; ours is one for all.
int64_t batches_tracked(std::span<const TensorRecord> tensors) {
  int64_t most = 0;
  for (const TensorRecord& tensor : tensors) {
    if (kind_of(tensor.name) != "num_batches_tracked" || tensor.dtype != "I64" || !tensor.shape.empty())
      continue;
    int64_t count = 0;
    std::memcpy(&count, tensor.data.data(), sizeof count);
    most = std::max(most, count);
  }
  return most;
}

}  // namespace

namespace {

std::map<std::string_view, const TensorRecord*> by_their_names(std::span<const TensorRecord> tensors) {
  std::map<std::string_view, const TensorRecord*> by_name;
  for (const TensorRecord& tensor : tensors) by_name.emplace(tensor.name, &tensor);
  return by_name;
}

}  // namespace

void check_matched(const WeightMatching& matching, std::span<const TensorRecord> tensors) {
  const auto by_name = by_their_names(tensors);
  for (const WeightMatch& match : matching.tensors) {
    if (match.by == MatchedBy::nothing) continue;
    for (const float value : to_floats(*by_name.at(match.source))) {
      if (!std::isfinite(value)) throw Error(in_quotes(match.source) + " holds numbers that are not finite");
    }
  }
}

std::vector<int> copy_matched(const WeightMatching& matching, std::span<const TensorRecord> tensors,
                              Parameters& parameters) {
  const auto by_name = by_their_names(tensors);
  std::vector<int> filled;
  for (const WeightMatch& match : matching.tensors) {
    if (match.by == MatchedBy::nothing) continue;
    if (!match.buffer) filled.push_back(match.index);
    std::ranges::copy(
        to_floats(*by_name.at(match.source)),
        (match.buffer ? parameters.buffer(match.index) : parameters.weight(match.index)).begin());
  }
  parameters.batches_tracked = batches_tracked(tensors);
  return filled;
}

}  // namespace frugal

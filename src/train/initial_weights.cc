#include "train/initial_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "base/error.h"

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
  std::vector<bool> used(tensors.size(), false);
  const auto take = [&](WeightMatch& own, size_t theirs, MatchedBy by) {
    own.by = by;
    own.source = tensors[theirs].name;
    own.source_shape = tensors[theirs].shape;
    used[theirs] = used[theirs] || by != MatchedBy::nothing;
  };
  for (WeightMatch& own : matching.tensors) {
    const auto found = by_name.find(own.name);
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
  if (own_left.size() * their_left.size() <= most) {
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

std::vector<int> copy_matched(const WeightMatching& matching, std::span<const TensorRecord> tensors,
                              Parameters& parameters) {
  std::map<std::string, const TensorRecord*> by_name;
  for (const TensorRecord& tensor : tensors) by_name.emplace(tensor.name, &tensor);
  std::vector<int> filled;
  for (const WeightMatch& match : matching.tensors) {
    if (match.by == MatchedBy::nothing) continue;
    if (!match.buffer) filled.push_back(match.index);
    const std::vector<float> values = to_floats(*by_name.at(match.source));
    for (const float value : values) {
      if (!std::isfinite(value)) throw Error(match.source + " holds numbers that are not finite");
    }
    std::ranges::copy(
        values, (match.buffer ? parameters.buffer(match.index) : parameters.weight(match.index)).begin());
  }
  parameters.batches_tracked = batches_tracked(tensors);
  return filled;
}

}  // namespace frugal

// Parameter groups: the learning rate and the weight decay of each parameter, chosen by name.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/spec.h"
#include "nn/parameters.h"
#include "train/chunks.h"

namespace frugal {

/// What a parameter's group says.
struct GroupSettings {
  double lr = 1;     // factor of the step's rate
  double decay = 0;  // weight decay
  bool operator==(const GroupSettings&) const = default;
};

/// Numbers [first, last) of the flat block, which have the same settings.
struct Stretch {
  int64_t first = 0, last = 0;
  GroupSettings settings;
};

/// Parsed `--groups` and `--decay`. Groups are a list of patterns of parameter names with options,
/// "*.bias:decay=0,fc*:lr=0.1,decay=2", or "none"; lr and decay are factors of the run's. Each option comes
/// from the last pattern that fits and has it, so that exceptions stand behind the rule; `--decay weights` is
/// a rule before all of them. Bad spellings are usage errors.
class ParameterGroups {
 public:
  ParameterGroups(const std::string& groups, const std::string& decay, double weight_decay);

  GroupSettings settings(const Slot& slot) const;

  /// A pattern that fits no trainable parameter is a usage error that lists their names.
  void check(std::span<const Slot> slots) const;

  /// The trainable block cut by settings, in order: neighbours that agree are one stretch. Of the parameters
  /// alone for which `wanted(index)`.
  std::vector<Stretch> stretches(const Parameters& parameters,
                                 const std::function<bool(size_t)>& wanted = nullptr) const;

 private:
  std::vector<Spec> patterns_;
  bool weights_only_;
  double weight_decay_;
};

/// For stretches(): whether `graph`, which must outlive the answer's use, trains a parameter.
inline std::function<bool(size_t)> trainable_in(const Graph& graph) {
  return [&graph](size_t i) { return graph.parameters[i].trainable; };
}

/// Runs work(first, last, settings) for every piece of a stretch that lies in one chunk, in no particular
/// order.
template <class Work>
void for_each_piece(Engine& engine, std::span<const Stretch> stretches, Work&& work) {
  if (stretches.empty()) return;
  for_each_chunk(engine, stretches.back().last, [&](int64_t, int64_t first, int64_t last) {
    const auto ends_before = [](const Stretch& stretch, int64_t at) { return stretch.last <= at; };
    for (auto s = std::lower_bound(stretches.begin(), stretches.end(), first, ends_before);
         s != stretches.end() && s->first < last; ++s) {
      work(std::max(first, s->first), std::min(last, s->last), s->settings);
    }
  });
}

}  // namespace frugal

#include "train/groups.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"

namespace frugal {
namespace {

double factor_of(const Spec& pattern, const char* key, double otherwise) {
  const double factor = pattern.number(key, otherwise);
  if (!(factor >= 0 && std::isfinite(factor))) {
    throw usage_error(pattern.name + ": " + key + " must be a factor that is not negative");
  }
  return factor;
}

}  // namespace

ParameterGroups::ParameterGroups(const std::string& groups, const std::string& decay, double weight_decay)
    : weights_only_(decay == "weights"), weight_decay_(weight_decay) {
  if (decay != "all" && decay != "weights") {
    throw usage_error("--decay: " + in_quotes(decay) + " is none of all, weights");
  }
  if (groups == "none") return;
  patterns_ = parse_spec_list(groups, "--groups", /*wildcards=*/true);
  for (const Spec& pattern : patterns_) {
    Spec named = pattern;
    named.name = "--groups: " + pattern.name;  // for its messages
    named.expect({"lr", "decay"});
    if (pattern.options.empty()) {
      throw usage_error("--groups: " + in_quotes(pattern.name) +
                        " sets nothing; write PATTERN:lr=FACTOR,decay=FACTOR");
    }
    factor_of(named, "lr", 1);
    factor_of(named, "decay", 1);
  }
}

GroupSettings ParameterGroups::settings(const Slot& slot) const {
  double lr = 1, decay = weights_only_ && slot.shape.size() < 2 ? 0 : 1;
  for (const Spec& pattern : patterns_) {
    if (!matches_glob(pattern.name, slot.name)) continue;
    lr = factor_of(pattern, "lr", lr);
    decay = factor_of(pattern, "decay", decay);
  }
  return {lr, decay * weight_decay_};
}

void ParameterGroups::check(std::span<const Slot> slots) const {
  std::vector<std::string> names;
  for (const Slot& slot : slots) {
    if (slot.trainable) names.push_back(slot.name);
  }
  for (const Spec& pattern : patterns_) {
    const auto fits = [&](const std::string& name) { return matches_glob(pattern.name, name); };
    if (std::ranges::any_of(names, fits)) continue;
    throw usage_error("--groups: no parameter that is trained fits " + in_quotes(pattern.name) +
                      "; there are " + join(names));
  }
}

std::vector<Stretch> ParameterGroups::stretches(const Parameters& parameters,
                                                const std::function<bool(size_t)>& wanted) const {
  std::vector<Stretch> stretches;
  const std::span<const Slot> slots = parameters.slots();
  for (size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].trainable && (!wanted || wanted(i))) {
      const int64_t first = slots[i].offset;
      stretches.push_back({first, first + slots[i].size, settings(slots[i])});
    }
  }
  std::ranges::sort(stretches, {}, &Stretch::first);
  // Neighbours that agree become one, with the gap between them, which holds zeros in every block.
  std::vector<Stretch> merged;
  for (const Stretch& stretch : stretches) {
    const bool next = !merged.empty() && stretch.first - merged.back().last < slot_alignment &&
                      merged.back().settings == stretch.settings;
    if (next) {
      merged.back().last = stretch.last;
    } else {
      merged.push_back(stretch);
    }
  }
  return merged;
}

}  // namespace frugal

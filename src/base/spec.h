// The grammar of everything with parameters: `name:key=value,...`, a bare value allowed (`crop:4`), lists
// joined by commas outside (`flip,crop:4`), sums joined by plus signs (`ce + 0.5*l2`).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace frugal {

/// `name:key=value,...`. Values stay text until they are asked for.
struct Spec {
  std::string name;
  std::vector<std::string> values;             // bare values, in order: "crop:4" has {"4"}
  std::map<std::string, std::string> options;  // "step:size=5,gamma=0.2" has size and gamma

  bool has(const std::string& key) const { return options.count(key) != 0; }
  /// The option as a number or truth value, or the default. What does not parse is a usage error that names
  /// the spec.
  double number(const std::string& key, double otherwise) const;
  int64_t integer(const std::string& key, int64_t otherwise) const;
  bool flag(const std::string& key, bool otherwise) const;
  /// A usage error unless every option is among `known` and there are at most `max_values` bare values.
  void expect(const std::vector<std::string>& known, size_t max_values = 0) const;
};

/// One spec. `what` names the flag for errors ("--optimizer").
Spec parse_spec(const std::string& text, const std::string& what);

/// `flip,crop:4,jitter:0.2`: a comma starts a new spec unless what follows is `key=value` of the spec before
/// it. `wildcards`: names may hold `*` and `?` (text.h's matches_glob).
std::vector<Spec> parse_spec_list(const std::string& text, const std::string& what, bool wildcards = false);

/// `ce + 0.5*l2:x=1`: coefficient (1 where none is written) and spec.
struct Term {
  double coefficient = 1;
  Spec spec;
};
std::vector<Term> parse_sum(const std::string& text, const std::string& what);

}  // namespace frugal

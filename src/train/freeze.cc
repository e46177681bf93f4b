#include "train/freeze.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"

namespace frugal {
namespace {

constexpr double always_trained = 0, never_trained = 2;

double trained_from(const std::vector<FreezeRule>& rules, const std::string& name) {
  double from = always_trained;
  for (const FreezeRule& rule : rules) {
    if (matches_glob(rule.pattern, name)) from = rule.until;
  }
  return from;
}

std::string all_names(const Graph& graph) {
  std::vector<std::string> names;
  names.reserve(graph.parameters.size());
  for (const ParameterSpec& parameter : graph.parameters) names.push_back(parameter.name);
  return join(names);
}

}  // namespace

std::vector<FreezeRule> parse_freeze(const std::string& text) {
  std::vector<FreezeRule> rules;
  if (text == "none") return rules;
  for (const std::string_view piece : split(text, ',')) {
    const std::string rule(trim(piece));
    const size_t at = rule.find('@');
    std::string pattern = rule.substr(0, at);
    const bool exempt = pattern.starts_with('!');
    if (exempt) pattern.erase(0, 1);
    if (pattern.empty() || (exempt && at != std::string::npos)) {
      throw usage_error("--freeze: " + in_quotes(rule) +
                        " is no rule; write PATTERN, PATTERN@PROGRESS or !PATTERN, as in *,!fc.*");
    }
    double until = exempt ? always_trained : never_trained;
    if (at != std::string::npos) {
      until = parse_number(rule.substr(at + 1), "--freeze");
      if (!(until > 0 && until < 1)) throw usage_error("--freeze: progress must be in (0, 1)");
    }
    rules.push_back({std::move(pattern), until});
  }
  return rules;
}

bool parse_freeze_bn(const std::string& text) {
  if (text == "fixed") return true;
  if (text == "train") return false;
  throw usage_error("--freeze-bn: " + in_quotes(text) + " is none of fixed, train");
}

void check_freeze(const std::vector<FreezeRule>& rules, const Graph& graph) {
  for (const FreezeRule& rule : rules) {
    const auto fits = [&](const ParameterSpec& p) { return matches_glob(rule.pattern, p.name); };
    if (std::ranges::any_of(graph.parameters, fits)) continue;
    throw usage_error("--freeze: no parameter fits " + in_quotes(rule.pattern) + "; there are " +
                      all_names(graph));
  }
  if (graph.trainable_count() == 0 && rules.empty())
    throw usage_error(graph.model + " has no parameter that is trained");
  // From the first step on: a run whose first part trains nothing would only wait.
  if (!rules.empty() && frozen_at(graph, rules, true, 0).trainable_count() == 0) {
    throw usage_error(
        "--freeze leaves nothing to train at the start; exempt some parameters by !PATTERN, of " +
        all_names(graph));
  }
}

Graph frozen_at(Graph graph, const std::vector<FreezeRule>& rules, bool fix_statistics, double progress) {
  if (rules.empty()) return graph;
  std::vector<bool> frozen;
  for (ParameterSpec& parameter : graph.parameters) {
    frozen.push_back(trained_from(rules, parameter.name) > progress);
    parameter.trainable = parameter.trainable && !frozen.back();
  }
  for (Node& node : graph.nodes) {
    if (node.kind != OpKind::batch_norm || !fix_statistics) continue;
    node.fixed_statistics =
        std::ranges::all_of(node.parameters, [&](int p) { return frozen[static_cast<size_t>(p)]; });
  }
  return graph;
}

std::vector<double> thaws(const std::vector<FreezeRule>& rules) {
  std::vector<double> times;
  for (const FreezeRule& rule : rules) {
    if (rule.until > 0 && rule.until < 1) times.push_back(rule.until);
  }
  std::ranges::sort(times);
  times.erase(std::unique(times.begin(), times.end()), times.end());
  return times;
}

}  // namespace frugal

#include "cli/profile.h"

#include <string>
#include <vector>

#include "base/columns.h"
#include "cli/output.h"
#include "graph/table.h"
#include "nn/profile.h"

namespace frugal {
namespace {

/// An operation that takes this many times its bound is worth a look.
constexpr double far = 4;
constexpr int steps = 10;

std::string names_of(const Graph& graph, const ProfileRow& row) {
  std::string names;
  for (int node : row.nodes) {
    names += (names.empty() ? "" : " + ") + graph.nodes[static_cast<size_t>(node)].name;
  }
  return names;
}

std::string ratio_text(double seconds, double bound) {
  return bound > 0 ? format("%.1f", seconds / bound) : "-";
}

double total(const NodeTime& time) { return time.forward + time.backward; }

}  // namespace

void print_profile(const Graph& graph, const EngineOptions& options, bool json) {
  const std::vector<ProfileRow> rows = profile_training(graph, options, steps);
  NodeTime seconds, bound;
  for (const ProfileRow& row : rows) {
    seconds.forward += row.seconds.forward, seconds.backward += row.seconds.backward;
    bound.forward += row.bound.forward, bound.backward += row.bound.backward;
  }
  const double flops = 6.0 * static_cast<double>(graph.macs() * options.batch) / total(seconds);
  if (json) {
    Json operations = Json::array();
    for (const ProfileRow& row : rows) {
      operations.push_back({{"layers", names_of(graph, row)},
                            {"forward_seconds", row.seconds.forward},
                            {"backward_seconds", row.seconds.backward},
                            {"forward_bound", row.bound.forward},
                            {"backward_bound", row.bound.backward}});
    }
    print_json({{"model", graph.model},
                {"batch", options.batch},
                {"precision", precision_name(options.precision)},
                {"flops_per_second", flops},
                {"operations", operations}});
    return;
  }
  std::vector<std::vector<std::string>> lines = {
      {"layers", "output", "forward ms", "backward ms", "share", "x bound, forward", "backward", ""}};
  for (const ProfileRow& row : rows) {
    const Shape& out = graph.nodes[static_cast<size_t>(row.nodes.back())].out;
    const bool slow = total(row.seconds) > far * total(row.bound);
    lines.push_back({names_of(graph, row), shape_text(out), format("%.3f", 1e3 * row.seconds.forward),
                     format("%.3f", 1e3 * row.seconds.backward), percent(total(row.seconds) / total(seconds)),
                     ratio_text(row.seconds.forward, row.bound.forward),
                     ratio_text(row.seconds.backward, row.bound.backward), slow ? "far" : ""});
  }
  lines.push_back({"total", "", format("%.3f", 1e3 * seconds.forward), format("%.3f", 1e3 * seconds.backward),
                   "", ratio_text(seconds.forward, bound.forward),
                   ratio_text(seconds.backward, bound.backward), ""});
  print("%s\n", align_columns(lines, 2, terminal_width()).c_str());
  print(
      "One step of %lld images on one thread, %s, mean of %d: %.1f ms, %.2f TFLOP/s. \"x bound\" is the time "
      "over\n"
      "what this machine's peaks allow for the operation's arithmetic or its bytes, measured just now; "
      "\"far\" is\n"
      "more than %g times both.\n",
      static_cast<long long>(options.batch), precision_name(options.precision).c_str(), steps,
      1e3 * total(seconds), 1e-12 * flops, far);
}

}  // namespace frugal

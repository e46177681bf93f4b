#include "graph/drawing/layout.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/error.h"

namespace frugal {
namespace {

constexpr size_t most_boxes = 3000, most_edges = 10'000;

/// Stands beside another operation rather than for itself.
bool is_light(OpKind kind) {
  switch (kind) {
    case OpKind::batch_norm:
    case OpKind::group_norm:
    case OpKind::layer_norm:
    case OpKind::scale:
    case OpKind::activation:
    case OpKind::dropout:
    case OpKind::drop_path:
    case OpKind::flatten:
      return true;
    default:
      return false;
  }
}

class Layout {
 public:
  explicit Layout(const Graph& graph)
      : graph_(graph), box_of_(graph.nodes.size()), readers_(graph.nodes.size()) {
    for (const Node& node : graph.nodes) {
      for (const int input : node.inputs) ++readers_[static_cast<size_t>(input)];
    }
    make_boxes();
    make_edges();
    place();
    for (DrawnEdge& edge : drawn_.edges) choose_route(edge);
    assign_lanes();
  }

  DrawnGraph take() { return std::move(drawn_); }

 private:
  DrawnBox& box(int i) { return drawn_.boxes[static_cast<size_t>(i)]; }
  const DrawnBox& box(int i) const { return drawn_.boxes[static_cast<size_t>(i)]; }

  /// Whether a node goes on in the box of the one node that it reads.
  bool continues(const Node& node) const {
    if (node.inputs.size() != 1) return false;
    const auto input = static_cast<size_t>(node.inputs[0]);
    if (input == 0 || readers_[input] != 1) return false;
    if (is_light(node.kind)) return true;
    const DrawnBox& before = drawn_.boxes[box_of_[input]];
    return std::ranges::all_of(before.nodes,
                               [&](int i) { return is_light(graph_.nodes[static_cast<size_t>(i)].kind); });
  }

  void make_boxes() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (continues(node)) {
        box_of_[i] = box_of_[static_cast<size_t>(node.inputs[0])];
      } else {
        box_of_[i] = drawn_.boxes.size();
        drawn_.boxes.emplace_back();
      }
      drawn_.boxes[box_of_[i]].nodes.push_back(static_cast<int>(i));
    }
    if (drawn_.boxes.size() > most_boxes) {
      throw usage_error(graph_.model + " has " + std::to_string(drawn_.boxes.size()) +
                        " parts, too many for a drawing of at most " + std::to_string(most_boxes));
    }
  }

  void make_edges() {
    for (size_t b = 0; b < drawn_.boxes.size(); ++b) {
      const Node& first = graph_.nodes[static_cast<size_t>(drawn_.boxes[b].nodes[0])];
      std::set<size_t> seen;
      for (const int input : first.inputs) {
        const size_t from = box_of_[static_cast<size_t>(input)];
        if (!seen.insert(from).second) continue;
        drawn_.boxes[b].inputs.push_back(static_cast<int>(from));
        drawn_.edges.push_back({static_cast<int>(from), static_cast<int>(b)});
      }
    }
    if (drawn_.edges.size() > most_edges) {
      throw usage_error(graph_.model + " has " + std::to_string(drawn_.edges.size()) +
                        " connections, too many for a drawing of at most " + std::to_string(most_edges));
    }
  }

  /// Rows by the longest path from the input. A box stands below the deepest of those that it reads, or
  /// beside that where another has taken the place.
  void place() {
    for (DrawnBox& drawn : drawn_.boxes) {
      int wanted = 0;
      for (const int input : drawn.inputs) {
        if (box(input).row + 1 > drawn.row) drawn.row = box(input).row + 1, wanted = box(input).column;
      }
      for (int step = 0;; ++step) {  // wanted, then right and left of it in turn
        drawn.column = wanted + (step % 2 == 1 ? (step + 1) / 2 : -step / 2);
        if (taken_.emplace(drawn.row, drawn.column).second) break;
      }
      drawn_.rows = std::max(drawn_.rows, drawn.row + 1);
    }
  }

  bool is_free(int column, int after_row, int before_row) const {
    const auto next = taken_by_column_.find(column);
    if (next == taken_by_column_.end()) return true;
    const auto found = next->second.upper_bound(after_row);
    return found == next->second.end() || *found >= before_row;
  }

  void choose_route(DrawnEdge& edge) {
    if (taken_by_column_.empty()) {
      for (const auto& [row, column] : taken_) taken_by_column_[column].insert(row);
    }
    const DrawnBox &from = box(edge.from), &to = box(edge.to);
    if (to.row == from.row + 1 || is_free(from.column, from.row, to.row)) {
      edge.route = Route::straight;
    } else if (is_free(to.column, from.row, to.row)) {
      edge.route = Route::over_first;
    } else {
      edge.route = Route::around_left;
    }
  }

  /// The nearest lane that no other line uses between the same rows; short lines choose first.
  void assign_lanes() {
    std::vector<DrawnEdge*> around;
    for (DrawnEdge& edge : drawn_.edges) {
      if (edge.route == Route::around_left) around.push_back(&edge);
    }
    const auto length = [&](const DrawnEdge* edge) { return box(edge->to).row - box(edge->from).row; };
    std::ranges::stable_sort(around, [&](auto* a, auto* b) { return length(a) < length(b); });
    std::vector<std::map<int, int>> lanes;  // from row to row, disjoint
    for (DrawnEdge* edge : around) {
      const int first = box(edge->from).row, last = box(edge->to).row;
      const auto fits = [&](const std::map<int, int>& lane) {
        const auto behind = lane.lower_bound(first);
        if (behind != lane.end() && behind->first < last) return false;
        return behind == lane.begin() || std::prev(behind)->second <= first;
      };
      const auto lane = std::ranges::find_if(lanes, fits);
      edge->lane = static_cast<int>(lane - lanes.begin());
      if (lane == lanes.end()) lanes.emplace_back();
      lanes[static_cast<size_t>(edge->lane)][first] = last;
    }
  }

  const Graph& graph_;
  std::vector<size_t> box_of_;           // by node
  std::vector<int> readers_;             // how many inputs a node is
  std::set<std::pair<int, int>> taken_;  // (row, column)
  std::map<int, std::set<int>> taken_by_column_;
  DrawnGraph drawn_;
};

}  // namespace

DrawnGraph lay_out_drawing(const Graph& graph) { return Layout(graph).take(); }

}  // namespace frugal

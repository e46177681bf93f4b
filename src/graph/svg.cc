#include "graph/svg.h"

#include <algorithm>
#include <climits>
#include <cstdio>
#include <string>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "graph/drawing/layout.h"
#include "graph/table.h"

namespace frugal {
namespace {

constexpr double margin = 28, header = 80, row_gap = 30, wide_row_gap = 50, column_gap = 44, lane_gap = 14,
                 lane_offset = 22;
constexpr double padding = 12, line_height = 17, arrow = 6;
constexpr double letter = 6.7, bold_letter = 7.4;  // widths at 12 pixels; fonts differ, so they are generous
constexpr double title_letter = bold_letter * 19 / 12;
constexpr double narrowest = 210, widest = 400;

constexpr char explanation[] = "Beside each part: what it yields (channels x height x width), its parameters";

/// Okabe and Ito's colours, which every eye tells apart; lighter ones on dark.
constexpr const char* style = R"(<style>
  .page { fill: #ffffff } .box { fill: #f6f7f9; stroke: #c5cad3 }
  text { fill: #1f2328; font: 12px system-ui, 'DejaVu Sans', Helvetica, Arial, sans-serif }
  .title { font-size: 19px; font-weight: 600 } .name { font-weight: 600 } .soft { fill: #5c6570 } .end { text-anchor: end }
  .line { fill: none; stroke: #8a929e; stroke-width: 1.4 } .tip { fill: #8a929e }
  .weights { fill: #0072b2 } .pool { fill: #009e73 } .join { fill: #d55e00 } .light { fill: #9aa2ad }
  @media (prefers-color-scheme: dark) {
    .page { fill: #14171c } .box { fill: #1d2229; stroke: #3b4450 }
    text { fill: #e4e7eb } .soft { fill: #9aa5b1 } .line { stroke: #77818e } .tip { fill: #77818e }
    .weights { fill: #56b4e9 } .pool { fill: #3cc79b } .join { fill: #f0a04b } .light { fill: #6d7683 }
  }
</style>
<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker>
)";

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string point(double x, double y) { return number(x) + " " + number(y); }

std::string text_at(double x, double y, const std::string& content, const char* classes) {
  return "<text class=\"" + std::string(classes) + "\" x=\"" + number(x) + "\" y=\"" + number(y) + "\">" +
         xml_text(content) + "</text>\n";
}

/// Which colour an operation has.
const char* category(OpKind kind) {
  switch (kind) {
    case OpKind::conv2d:
    case OpKind::linear:
      return "weights";
    case OpKind::max_pool:
    case OpKind::avg_pool:
    case OpKind::adaptive_avg_pool:
    case OpKind::adaptive_max_pool:
    case OpKind::blur_pool:
    case OpKind::pad_channels:
      return "pool";
    case OpKind::add:
    case OpKind::concat:
    case OpKind::gate:
      return "join";
    default:
      return "light";
  }
}

/// What a box says.
struct Label {
  std::string name, shape, parameters;
  std::vector<std::string> operations;  // lines
  std::string tooltip;
  const char* category = "light";
  double height() const { return 2 * padding - 6 + line_height * static_cast<double>(1 + operations.size()); }
};

Label label_of(const Graph& graph, const std::vector<LayerRow>& rows, const DrawnBox& box) {
  Label label;
  int64_t parameters = 0, most = -1;
  std::string operations;
  std::vector<std::string> words;
  for (const int i : box.nodes) {
    const LayerRow& row = rows[static_cast<size_t>(i)];
    const char* of = category(graph.nodes[static_cast<size_t>(i)].kind);
    if (std::string_view(of) != "light") label.category = of;
    if (row.parameters > most) most = row.parameters, label.name = row.name;
    parameters += row.parameters;
    label.tooltip += (label.tooltip.empty() ? "" : "\n") + row.name + ": " + row.kind + ", " +
                     shape_text(row.out) +
                     (row.parameters > 0 ? ", " + with_thousands(row.parameters) + " parameters" : "");
    words.push_back(row.kind);
  }
  label.shape = shape_text(rows[static_cast<size_t>(box.nodes.back())].out);
  if (parameters > 0) label.parameters = with_thousands(parameters);
  // An operation without parameters is called what it does.
  if (parameters == 0) label.name = words[0];
  // The tooltip has a long name whole, its end tells it from its neighbours.
  const auto most_bold =
      static_cast<size_t>((widest - 2 * padding - letter * static_cast<double>(label.shape.size())) /
                          bold_letter) -
      2;
  if (label.name.size() > most_bold)
    label.name = "..." + label.name.substr(label.name.size() - most_bold + 3);
  if (parameters == 0) words.erase(words.begin());
  const auto most_letters = static_cast<size_t>((widest - 2 * padding) / letter);
  for (const std::string& word : words) {
    const size_t room = most_letters - (label.operations.empty() ? label.parameters.size() + 2 : 0);
    if (label.operations.empty() || label.operations.back().size() + word.size() + 2 > room) {
      if (!label.operations.empty()) label.operations.back() += ",";
      label.operations.push_back(word);
    } else {
      label.operations.back() += ", " + word;
    }
  }
  return label;
}

class Drawing {
 public:
  explicit Drawing(const Graph& graph)
      : graph_(graph),
        drawn_(lay_out_drawing(graph)),
        summary_(parameters_text(graph) + ", " + short_count(graph.macs()) + " MACs an image") {
    const std::vector<LayerRow> rows = layer_rows(graph);
    for (const DrawnBox& box : drawn_.boxes) labels_.push_back(label_of(graph, rows, box));
    measure();
  }

  std::string svg() const {
    std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + number(width_) + "\" height=\"" +
                      number(height_) + "\" viewBox=\"0 0 " + point(width_, height_) + "\">\n<title>" +
                      xml_text(graph_.model + ": " + summary_) + "</title>\n" + style +
                      "<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n" +
                      text_at(margin, 36, graph_.model, "title") + text_at(margin, 56, summary_, "soft") +
                      text_at(margin, 73, explanation, "soft");
    for (const DrawnEdge& edge : drawn_.edges) svg += line(edge);
    for (size_t i = 0; i < drawn_.boxes.size(); ++i) svg += box(i);
    return svg + "</svg>\n";
  }

 private:
  const DrawnBox& at(int i) const { return drawn_.boxes[static_cast<size_t>(i)]; }
  double row_top(int row) const { return row_tops_[static_cast<size_t>(row)]; }
  double row_bottom(int row) const { return row_bottoms_[static_cast<size_t>(row)]; }
  double box_height(int i) const { return labels_[static_cast<size_t>(i)].height(); }
  double left(int column) const { return left_ + (column - first_column_) * (box_width_ + column_gap); }
  double centre(int column) const { return left(column) + box_width_ / 2; }

  void measure() {
    std::vector<double> heights(static_cast<size_t>(drawn_.rows), 0.0);
    row_first_column_.assign(heights.size(), INT_MAX);
    int last_column = INT_MIN, lanes = 0;
    for (size_t i = 0; i < drawn_.boxes.size(); ++i) {
      const DrawnBox& box = drawn_.boxes[i];
      const Label& label = labels_[i];
      const auto row = static_cast<size_t>(box.row);
      heights[row] = std::max(heights[row], label.height());
      row_first_column_[row] = std::min(row_first_column_[row], box.column);
      first_column_ = std::min(first_column_, box.column);
      last_column = std::max(last_column, box.column);
      double wanted = bold_letter * static_cast<double>(label.name.size() + 2) +
                      letter * static_cast<double>(label.shape.size());
      for (const std::string& line : label.operations) {
        const size_t beside = &line == label.operations.data() ? label.parameters.size() + 2 : 0;
        wanted = std::max(wanted, letter * static_cast<double>(line.size() + beside));
      }
      box_width_ = std::clamp(wanted + 2 * padding, box_width_, widest);
    }
    // Lines that change columns need room to bend.
    std::vector<double> gaps(heights.size(), row_gap);
    for (const DrawnEdge& edge : drawn_.edges) {
      if (edge.route == Route::around_left) {
        lanes = std::max(lanes, edge.lane + 1);
      } else if (at(edge.from).column != at(edge.to).column) {
        const int row = edge.route == Route::over_first ? at(edge.from).row : at(edge.to).row - 1;
        gaps[static_cast<size_t>(row)] = wide_row_gap;
      }
    }
    left_ = margin + (lanes > 0 ? lane_offset + lane_gap * (lanes - 1) + 8 : 0);
    double y = header + 14;
    for (size_t row = 0; row < heights.size(); ++row) {
      row_tops_.push_back(y);
      row_bottoms_.push_back(y + heights[row]);
      y += heights[row] + gaps[row];
    }
    const double words = letter * static_cast<double>(std::max(summary_.size(), std::size(explanation)));
    const double title = title_letter * static_cast<double>(graph_.model.size());
    width_ = std::max({left(last_column) + box_width_ + margin, words + 2 * margin, title + 2 * margin});
    height_ = row_bottoms_.back() + margin;
  }

  std::string box(size_t i) const {
    const DrawnBox& box = drawn_.boxes[i];
    const Label& label = labels_[i];
    const double x = left(box.column), y = row_top(box.row), right = x + box_width_ - padding;
    std::string svg = "<g><title>" + xml_text(label.tooltip) + "</title><rect class=\"box\" x=\"" +
                      number(x) + "\" y=\"" + number(y) + "\" width=\"" + number(box_width_) +
                      "\" height=\"" + number(label.height()) + "\" rx=\"6\"/><rect class=\"" +
                      label.category + "\" x=\"" + number(x) + "\" y=\"" + number(y + 6) +
                      "\" width=\"4\" height=\"" + number(label.height() - 12) + "\"/>\n";
    double line = y + padding + 9;
    svg += text_at(x + padding, line, label.name, "name") + text_at(right, line, label.shape, "end");
    for (size_t k = 0; k < label.operations.size(); ++k) {
      line += line_height;
      svg += text_at(x + padding, line, label.operations[k], "soft");
      if (k == 0 && !label.parameters.empty()) svg += text_at(right, line, label.parameters, "soft end");
    }
    return svg + "</g>\n";
  }

  std::string line(const DrawnEdge& edge) const {
    const DrawnBox &from = at(edge.from), &to = at(edge.to);
    std::string path;
    if (edge.route == Route::around_left) {
      path = around(edge);
    } else {
      // Lines that come from the side end beside those from above.
      const double shift = to.column == from.column ? 0 : (from.column > to.column ? 1 : -1) * box_width_ / 6;
      const double x1 = centre(from.column) - shift, x2 = centre(to.column) + shift;
      const double y1 = row_top(from.row) + box_height(edge.from), y2 = row_top(to.row) - 1;
      const bool over_first = edge.route == Route::over_first;
      // Where the gap begins in which the line changes columns.
      const double a = over_first ? std::max(y1, row_bottom(from.row)) : std::max(y1, row_bottom(to.row - 1));
      const double b = over_first ? row_top(from.row + 1) : y2, middle = (a + b) / 2;
      path = "M" + point(x1, y1) + "L" + point(x1, a) + "C" + point(x1, middle) + " " + point(x2, middle) +
             " " + point(x2, b) + "L" + point(x2, y2);
    }
    return "<path class=\"line\" marker-end=\"url(#tip)\" d=\"" + path + "\"/>\n";
  }

  /// Out of the left side, down in the lane, and in from the left.
  std::string around(const DrawnEdge& edge) const {
    const DrawnBox &from = at(edge.from), &to = at(edge.to);
    int column = INT_MAX;
    for (int row = from.row; row <= to.row; ++row) {
      column = std::min(column, row_first_column_[static_cast<size_t>(row)]);
    }
    const double lane = left(column) - lane_offset - lane_gap * edge.lane;
    const double x1 = left(from.column), x2 = left(to.column) - 1;
    const double y1 = row_top(from.row) + 0.7 * box_height(edge.from);
    const double y2 = row_top(to.row) + 0.35 * box_height(edge.to);
    const double bend = std::min(24.0, (y2 - y1) / 2);
    return "M" + point(x1, y1) + "C" + point(lane, y1) + " " + point(lane, y1) + " " +
           point(lane, y1 + bend) + "L" + point(lane, y2 - bend) + "C" + point(lane, y2) + " " +
           point(lane, y2) + " " + point(x2, y2);
  }

  const Graph& graph_;
  DrawnGraph drawn_;
  std::string summary_;
  std::vector<Label> labels_;  // by box
  std::vector<double> row_tops_, row_bottoms_;
  std::vector<int> row_first_column_;
  int first_column_ = 0;
  double box_width_ = narrowest, left_ = 0, width_ = 0, height_ = 0;
};

}  // namespace

std::string graph_svg(const Graph& graph) { return Drawing(graph).svg(); }

}  // namespace frugal

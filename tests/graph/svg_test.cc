// Drawings: boxes that do not overlap, lines that cross none, and files that are XML.
#include "graph/svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "graph/builder.h"
#include "graph/drawing/layout.h"
#include "graph/presets.h"

namespace frugal {
namespace {

using testing::HasSubstr;
using testing::Not;

/// A stem, then `blocks` parallel 1x1 convolutions of all kinds of depth, joined.
Graph branches(int count) {
  GraphBuilder net("branches", {8, 8, 3});
  const Value stem = net.conv2d("stem", net.input(), 8, {.kernel = 1});
  std::vector<Value> ends = {stem};
  for (int i = 0; i < count; ++i) {
    Value x = stem;
    for (int k = 0; k <= i; ++k) {
      x = net.conv2d("b" + std::to_string(i) + "." + std::to_string(k), x, 8, {.kernel = 1});
    }
    ends.push_back(x);
  }
  return net.finish(net.linear("head", net.adaptive_avg_pool(net.concat(ends)), 10));
}

std::vector<Graph> all_graphs() {
  std::vector<Graph> graphs = {branches(1), branches(2), branches(6)};
  for (const std::string& example : model_examples()) graphs.push_back(make_model(example, {32, 32, 3}, 10));
  return graphs;
}

void expect_sound(const Graph& graph) {
  SCOPED_TRACE(graph.model);
  const DrawnGraph drawn = lay_out_drawing(graph);
  std::set<std::pair<int, int>> places;
  std::vector<int> nodes;
  size_t inputs = 0;
  for (const DrawnBox& box : drawn.boxes) {
    EXPECT_TRUE(places.emplace(box.row, box.column).second) << "two boxes in one place";
    nodes.insert(nodes.end(), box.nodes.begin(), box.nodes.end());
    inputs += box.inputs.size();
    for (const int input : box.inputs) EXPECT_LT(drawn.boxes[static_cast<size_t>(input)].row, box.row);
  }
  EXPECT_EQ(inputs, drawn.edges.size());
  std::ranges::sort(nodes);
  ASSERT_EQ(nodes.size(), graph.nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i)
    EXPECT_EQ(nodes[i], static_cast<int>(i)) << "each node in one box";

  std::map<int, std::vector<std::pair<int, int>>> lanes;
  for (const DrawnEdge& edge : drawn.edges) {
    const DrawnBox &from = drawn.boxes[static_cast<size_t>(edge.from)],
                   &to = drawn.boxes[static_cast<size_t>(edge.to)];
    const int column = edge.route == Route::straight ? from.column : to.column;
    for (int row = from.row + 1; row < to.row && edge.route != Route::around_left; ++row) {
      EXPECT_FALSE(places.contains({row, column})) << "a line through a box";
    }
    if (edge.route != Route::around_left) continue;
    for (const auto& [first, last] : lanes[edge.lane]) {
      EXPECT_TRUE(to.row <= first || last <= from.row) << "two lines in one lane";
    }
    lanes[edge.lane].emplace_back(from.row, to.row);
  }
}

TEST(Drawing, EveryNetworkIsLaidOutSoundly) {
  for (const Graph& graph : all_graphs()) expect_sound(graph);
}

TEST(Drawing, WhatBelongsTogetherSharesABox) {
  const Graph graph = make_model("resnet20", {32, 32, 3}, 10);
  const DrawnGraph drawn = lay_out_drawing(graph);
  // Input, stem, nine blocks of two convolutions and an addition, two shortcuts, pool, head.
  EXPECT_EQ(drawn.boxes.size(), 2u + 9 * 3 + 2 + 2);
  EXPECT_EQ(drawn.boxes[1].nodes, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(drawn.rows, 2 + 9 * 3 + 2) << "shortcuts stand beside";
  int beside = 0, around = 0;
  for (const DrawnBox& box : drawn.boxes) beside += box.column != 0;
  for (const DrawnEdge& edge : drawn.edges) around += edge.route == Route::around_left;
  EXPECT_EQ(beside, 2);
  EXPECT_EQ(around, 7) << "the identity shortcuts";
  // A dense layer's norm and activation lead up to its convolution.
  const DrawnGraph dense = lay_out_drawing(make_model("densenet-bc-40-12", {32, 32, 3}, 10));
  EXPECT_EQ(dense.boxes[2].nodes.size(), 5u);
}

TEST(Drawing, BranchesStandSideBySide) {
  const DrawnGraph drawn = lay_out_drawing(branches(3));
  std::set<int> columns;
  for (const DrawnBox& box : drawn.boxes) {
    if (box.row == 2) columns.insert(box.column);
  }
  EXPECT_EQ(columns, (std::set<int>{-1, 0, 1}));
}

TEST(Drawing, RefusesWhatNobodyCouldRead) {
  GraphBuilder net("endless", {4, 4, 1});
  Value x = net.input();
  for (int i = 0; i < 3100; ++i) x = net.max_pool(x, {.kernel = 1});
  const Graph graph = net.finish(net.linear("head", net.flatten(x), 2));
  try {
    graph_svg(graph);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    EXPECT_THAT(error.what(), HasSubstr("endless has 3102 parts, too many for a drawing"));
  }
}

/// Every tag is closed in its turn, and text has no stray markup.
void expect_xml(const std::string& svg) {
  std::vector<std::string> open;
  for (size_t at = svg.find('<'); at != std::string::npos; at = svg.find('<', at + 1)) {
    const size_t end = svg.find('>', at);
    ASSERT_NE(end, std::string::npos);
    const std::string tag = svg.substr(at + 1, end - at - 1);
    ASSERT_EQ(tag.find('<'), std::string::npos) << tag;
    const std::string name = tag.substr(0, tag.find_first_of(" /"));
    if (tag[0] == '/') {
      ASSERT_FALSE(open.empty());
      ASSERT_EQ(open.back(), tag.substr(1));
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
  }
  EXPECT_TRUE(open.empty());
}

struct Box {
  double x = 0, y = 0, w = 0, h = 0;
};

TEST(Svg, EveryNetworkIsXmlWithBoxesApart) {
  for (const Graph& graph : all_graphs()) {
    SCOPED_TRACE(graph.model);
    const std::string svg = graph_svg(graph);
    expect_xml(svg);
    double width = 0, height = 0;
    ASSERT_EQ(
        std::sscanf(svg.c_str(), "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%lf\" height=\"%lf\"",
                    &width, &height),
        2);
    std::vector<Box> boxes;
    const std::string begin = "<rect class=\"box\" ";
    for (size_t at = svg.find(begin); at != std::string::npos; at = svg.find(begin, at + 1)) {
      Box b;
      ASSERT_EQ(std::sscanf(svg.c_str() + at + begin.size(),
                            "x=\"%lf\" y=\"%lf\" width=\"%lf\" height=\"%lf\"", &b.x, &b.y, &b.w, &b.h),
                4);
      EXPECT_TRUE(b.x > 0 && b.y > 0 && b.x + b.w < width && b.y + b.h < height);
      for (const Box& other : boxes) {
        EXPECT_TRUE(b.x >= other.x + other.w || other.x >= b.x + b.w || b.y >= other.y + other.h ||
                    other.y >= b.y + b.h);
      }
      boxes.push_back(b);
    }
    EXPECT_EQ(boxes.size(), lay_out_drawing(graph).boxes.size());
  }
}

TEST(Svg, SaysNamesOperationsShapesAndParameters) {
  const std::string svg = graph_svg(make_model("resnet20", {32, 32, 3}, 10));
  for (const char* text :
       {">resnet20<", ">269,722 parameters, 40.6M MACs an image<", ">layer2.0.conv1<",
        ">conv 3x3, stride 2, padding 1, batch-norm, relu<", ">32 x 16 x 16<", ">4,672<", ">linear<",
        "prefers-color-scheme: dark", "layer2.0.bn1: batch-norm, 32 x 16 x 16, 64 parameters"}) {
    EXPECT_THAT(svg, HasSubstr(text));
  }
}

TEST(Svg, ALongNameStaysInItsBox) {
  GraphBuilder net("net", {4, 4, 1});
  const std::string name = std::string(100, 'a') + "the_end";
  const std::string svg = graph_svg(net.finish(net.linear(name, net.flatten(net.input()), 2)));
  EXPECT_THAT(svg, HasSubstr("aaathe_end</text>"));
  EXPECT_THAT(svg, HasSubstr(name + ": "));  // the tooltip
  EXPECT_THAT(svg, Not(HasSubstr(std::string(60, 'a') + "the_end</text>")));
}

TEST(Svg, NamesCannotBeMarkup) {
  GraphBuilder net("<script>\"&", {4, 4, 1});
  const std::string svg = graph_svg(net.finish(net.linear("a<b>&\x07", net.flatten(net.input()), 2)));
  expect_xml(svg);
  EXPECT_THAT(svg, HasSubstr(">&lt;script&gt;&quot;&amp;<"));
  EXPECT_THAT(svg, HasSubstr(">a&lt;b&gt;&amp;?<"));
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
}

}  // namespace
}  // namespace frugal

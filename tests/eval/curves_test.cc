// curves.svg: well-formed, contains what it should, and survives every odd history.
#include "eval/curves.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "eval/axis.h"

namespace frugal {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::vector<EpochRecord> history(int epochs, bool validated = true) {
  std::vector<EpochRecord> records;
  for (int i = 1; i <= epochs; ++i) {
    EpochRecord r;
    r.epoch = i;
    r.train = {4.0 / std::sqrt(i), 0.6 - 0.5 / i, 0, 0, 100};
    r.val = {validated ? 4.1 / std::sqrt(i) + 0.2 : nan, validated ? 0.5 - 0.4 / i : nan, 0, 0, 10};
    records.push_back(r);
  }
  return records;
}

size_t count(const std::string& text, const std::string& what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

/// Every tag closes in order, attributes are quoted, entities are known, and no "nan" or "inf" became a
/// coordinate.
void expect_well_formed(const std::string& svg) {
  std::vector<std::string> open;
  for (size_t i = 0; i < svg.size(); ++i) {
    if (svg[i] == '&') {
      const std::string entity = svg.substr(i, svg.find(';', i) - i + 1);
      EXPECT_TRUE(entity == "&amp;" || entity == "&lt;" || entity == "&gt;" || entity == "&quot;") << entity;
    }
    if (svg[i] != '<') continue;
    const size_t end = svg.find('>', i);
    ASSERT_NE(end, std::string::npos);
    const std::string tag = svg.substr(i + 1, end - i - 1);
    EXPECT_EQ(tag.find('<'), std::string::npos) << tag;
    EXPECT_EQ(count(tag, "\"") % 2, 0u) << tag;
    const std::string name = tag.substr(0, tag.find_first_of(" /", 1));
    if (tag[0] == '/') {
      ASSERT_FALSE(open.empty());
      EXPECT_EQ("/" + open.back(), tag);
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
    i = end;
  }
  EXPECT_TRUE(open.empty());
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
}

TEST(Curves, HasTitlesLegendsAxesAndBothCurvesInBothPanels) {
  const std::string svg = curves_svg(history(60), {"smallnet on cifar100", "test top-1 50.48 %", 42});
  expect_well_formed(svg);
  for (const char* words :
       {"smallnet on cifar100", "test top-1 50.48 %", "Loss", "Top-1 accuracy (%)", "training loss",
        "validation loss", "training accuracy", "validation accuracy", "epoch", "best: 42"}) {
    EXPECT_NE(svg.find(std::string(">") + words + "<"), std::string::npos) << words;
  }
  EXPECT_EQ(count(svg, "<polyline"), 4u);
  EXPECT_EQ(count(svg, "<circle"), 0u);  // sixty dots would hide the lines
}

TEST(Curves, OneEpochIsADotForEveryCurve) {
  const std::string svg = curves_svg(history(1), {"t", "", 1});
  expect_well_formed(svg);
  EXPECT_EQ(count(svg, "<polyline"), 0u);
  EXPECT_EQ(count(svg, "<circle"), 4u);
}

TEST(Curves, AThousandEpochsStayInsideThePage) {
  const std::string svg = curves_svg(history(1000), {"t", "", 0});
  expect_well_formed(svg);
  EXPECT_EQ(count(svg, "<polyline"), 4u);
  EXPECT_NE(svg.find(">1000<"), std::string::npos);
  EXPECT_LT(svg.size(), 100'000u);
}

TEST(Curves, WithoutValidationItsCurvesAndLegendAreAbsent) {
  const std::string svg = curves_svg(history(50, false), {"t", "", 0});
  expect_well_formed(svg);
  EXPECT_EQ(count(svg, "<polyline"), 2u);
  EXPECT_EQ(svg.find("validation"), std::string::npos);
}

TEST(Curves, ValuesThatAreNotFiniteLeaveAGap) {
  auto records = history(50);
  records[20].train.loss = std::numeric_limits<double>::infinity();
  records[30].val.loss = nan;
  const std::string svg = curves_svg(records, {"t", "", 0});
  expect_well_formed(svg);
  EXPECT_EQ(count(svg, "<polyline"), 6u);
}

TEST(Curves, NothingAtAllStillDraws) {
  expect_well_formed(curves_svg({}, {"t", "", 0}));
  auto records = history(3, false);
  for (EpochRecord& r : records) r.train.loss = r.train.top1 = nan;
  expect_well_formed(curves_svg(records, {"t", "", 0}));
}

TEST(Curves, TextIsEscaped) {
  const std::string svg = curves_svg(history(2), {"a<b>&\"c\"\x01\xff", "", 0});
  expect_well_formed(svg);
  EXPECT_NE(svg.find("a&lt;b&gt;&amp;&quot;c&quot;??"), std::string::npos);
}

TEST(Axis, CoversItsRangeWithRoundTicks) {
  for (const auto& [low, high] :
       {std::pair{0.0, 3.93}, {1.3, 1.9}, {0.0, 97.0}, {2.5, 2.5}, {-1e-9, 1e-9}, {0.0, 1e9}}) {
    const Axis axis = nice_axis(low, high, 6);
    EXPECT_LE(axis.low, low + 1e-6 * std::abs(low));
    EXPECT_GE(axis.high, high - 1e-6 * std::abs(high));
    EXPECT_GE(axis.ticks.size(), 2u);
    EXPECT_LE(axis.ticks.size(), 10u);
  }
  const Axis axis = nice_axis(0, 3.93, 6);
  EXPECT_EQ(axis.label(axis.ticks[1]), "1");
  EXPECT_EQ(nice_axis(1.3, 1.9, 6).label(1.4), "1.4");
}

TEST(Axis, OfLogarithmsHasPowersOfTen) {
  const Axis wide = log_axis(1e-5, 10);
  EXPECT_EQ(wide.ticks.size(), 7u);
  EXPECT_EQ(wide.label(wide.ticks[0]), "1e-05");
  EXPECT_EQ(wide.label(wide.ticks[6]), "10");
  EXPECT_EQ(wide.position(1e-5), 0);
  EXPECT_EQ(wide.position(10), 1);
  EXPECT_DOUBLE_EQ(wide.position(0.01), 0.5);
  const Axis narrow = log_axis(0.03, 0.4);
  ASSERT_EQ(narrow.ticks.size(), 3u);
  EXPECT_EQ(narrow.label(narrow.ticks[0]), "0.05");
  EXPECT_EQ(narrow.label(narrow.ticks[2]), "0.2");
}

TEST(Axis, CountsInWholeNumbersFromEndToEnd) {
  const Axis axis = counting_axis(1, 330, 8);
  EXPECT_EQ(axis.ticks.front(), 1);
  EXPECT_EQ(axis.ticks.back(), 330);
  for (double tick : axis.ticks) EXPECT_EQ(tick, std::floor(tick));
  EXPECT_LE(axis.ticks.size(), 10u);
  EXPECT_EQ(counting_axis(1, 1, 8).ticks.size(), 1u);
  EXPECT_EQ(counting_axis(1, 2, 8).ticks.size(), 2u);
}

}  // namespace
}  // namespace frugal

#include "eval/lr_find_chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "eval/chart.h"

namespace frugal {
namespace {

/// Divergence ends far above; drawn in full, it would leave the fall before it flat.
double highest_of_interest(const LrCurve& curve) {
  if (curve.points.empty()) return 1;
  const auto least = std::ranges::min_element(curve.points, {}, &LrPoint::smoothed);
  double highest = 0;
  for (auto point = curve.points.begin(); point <= least; ++point)
    highest = std::max(highest, point->smoothed);
  return 1.5 * highest;
}

}  // namespace

std::string lr_find_svg(const LrCurve& curve, const LrSweep& sweep, std::optional<size_t> suggestion,
                        const std::string& title, const std::string& subtitle) {
  std::array<Series, 2> all = {Series{.name = "loss of a batch", .colour = chart_grey, .dots = false},
                               Series{.name = "running mean", .colour = chart_blue, .dots = false}};
  const double highest = highest_of_interest(curve);
  constexpr double gap = std::numeric_limits<double>::quiet_NaN();
  for (const LrPoint& point : curve.points) {
    all[0].points.emplace_back(point.lr, point.loss <= highest ? point.loss : gap);
    all[1].points.emplace_back(point.lr, point.smoothed <= highest ? point.smoothed : gap);
  }
  const auto [low, high] = range_of(all);
  const Panel panel{.x = log_axis(sweep.from, sweep.to),
                    .y = nice_axis(low, high, 6),
                    .title = "Loss",
                    .x_title = "learning rate"};
  std::optional<Mark> mark;
  if (suggestion) {
    const double lr = curve.points[*suggestion].lr;
    char text[64];
    std::snprintf(text, sizeof text, "suggestion: %.2g", lr);
    mark = Mark{lr, text};
  }
  return chart_page(title, subtitle, draw_panel(panel, all, mark));
}

}  // namespace frugal

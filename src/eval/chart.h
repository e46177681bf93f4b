// Line charts for people, as plain SVG on a white background of their own, so that they read alike on light
// and dark pages: what the drawings of a run have in common. Sizes are pixels; panels stand side by side.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "eval/axis.h"

namespace frugal {

// Okabe and Ito's blue, vermilion and grey: told apart by every eye.
inline constexpr const char* chart_blue = "#0072b2";
inline constexpr const char* chart_vermilion = "#d55e00";
inline constexpr const char* chart_grey = "#999999";

/// One curve: (x, y), not finite where nothing was measured, which leaves a gap.
struct Series {
  std::string name;  // for the legend; empty: none
  const char* colour = chart_blue;
  std::vector<std::pair<double, double>> points = {};
  bool dots = true;  // on a value alone, and on every value of a short curve
  bool any() const;
};

/// Least and greatest finite y of all curves; (infinity, -infinity) where there is none.
std::pair<double, double> range_of(std::span<const Series> all);

/// A rectangle of the page with its two axes.
struct Panel {
  double left = 70, width = 880;
  Axis x, y;
  std::string title, x_title;
};

/// A dashed line across the panel, with a word beside it.
struct Mark {
  double x = 0;
  std::string label;
};

std::string draw_panel(const Panel& panel, std::span<const Series> all,
                       const std::optional<Mark>& mark = std::nullopt);

/// The whole file: a title, a line below it (or an empty one), and the panels.
std::string chart_page(const std::string& title, const std::string& subtitle, const std::string& panels);

}  // namespace frugal

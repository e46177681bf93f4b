#include "eval/chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "base/text.h"

namespace frugal {
namespace {

constexpr double page_width = 980, page_height = 440, page_left = 70;
constexpr double plot_top = 112, plot_bottom = 380;
constexpr size_t most_dots = 40;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string attribute(const char* name, double value) {
  return std::string(" ") + name + "=\"" + number(value) + "\"";
}

std::string text_at(double x, double y, const std::string& content, const std::string& attributes = "") {
  return "<text" + attribute("x", x) + attribute("y", y) + " " + attributes + ">" + xml_text(content) +
         "</text>\n";
}

std::string line(double x1, double y1, double x2, double y2, const std::string& style) {
  return "<line" + attribute("x1", x1) + attribute("y1", y1) + attribute("x2", x2) + attribute("y2", y2) +
         " " + style + "/>\n";
}

double right_of(const Panel& panel) { return panel.left + panel.width; }
double to_x(const Panel& panel, double value) { return panel.left + panel.x.position(value) * panel.width; }
double to_y(const Panel& panel, double value) {
  return plot_bottom - panel.y.position(value) * (plot_bottom - plot_top);
}

std::string draw_axes(const Panel& panel) {
  std::string svg = text_at(panel.left, plot_top - 32, panel.title, "font-size=\"15\" font-weight=\"600\"");
  for (double tick : panel.y.ticks) {
    const double y = to_y(panel, tick);
    svg += line(panel.left, y, right_of(panel), y, "stroke=\"#e3e3e3\"");
    svg += text_at(panel.left - 8, y + 4, panel.y.label(tick), "text-anchor=\"end\" fill=\"#444444\"");
  }
  for (double tick : panel.x.ticks) {
    const double x = to_x(panel, tick);
    svg += line(x, plot_bottom, x, plot_bottom + 5, "stroke=\"#444444\"");
    svg += text_at(x, plot_bottom + 20, panel.x.label(tick), "text-anchor=\"middle\" fill=\"#444444\"");
  }
  svg += line(panel.left, plot_bottom, right_of(panel), plot_bottom, "stroke=\"#444444\"");
  svg += line(panel.left, plot_top, panel.left, plot_bottom, "stroke=\"#444444\"");
  return svg + text_at(panel.left + panel.width / 2, plot_bottom + 42, panel.x_title,
                       "text-anchor=\"middle\" fill=\"#444444\"");
}

/// Runs of finite values become lines.
std::string draw_series(const Panel& panel, const Series& series) {
  std::string svg, dots, path;
  size_t run = 0;
  const auto end_run = [&] {
    if (run > 1) {
      svg += std::string("<polyline fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\" stroke=\"") +
             series.colour + "\" points=\"" + path + "\"/>\n";
    }
    path.clear();
    run = 0;
  };
  for (size_t i = 0; i < series.points.size(); ++i) {
    const auto [at, value] = series.points[i];
    if (!std::isfinite(value)) {
      end_run();
      continue;
    }
    const std::string x = number(to_x(panel, at)), y = number(to_y(panel, value));
    path += (run++ == 0 ? "" : " ") + x + "," + y;
    const bool last = i + 1 == series.points.size();
    const bool alone = run == 1 && (last || !std::isfinite(series.points[i + 1].second));
    if (series.dots && (alone || series.points.size() <= most_dots)) {
      dots += "<circle cx=\"" + x + "\" cy=\"" + y + "\" r=\"3\" fill=\"" + series.colour + "\"/>\n";
    }
  }
  end_run();
  return svg + dots;
}

std::string draw_legend(const Panel& panel, std::span<const Series> all) {
  std::string svg;
  double x = panel.left;
  for (const Series& series : all) {
    if (series.name.empty() || !series.any()) continue;
    svg += line(x, plot_top - 15, x + 22, plot_top - 15,
                std::string("stroke-width=\"3\" stroke=\"") + series.colour + "\"");
    svg += text_at(x + 28, plot_top - 11, series.name);
    x += 44 + 7.0 * static_cast<double>(series.name.size());
  }
  return svg;
}

std::string draw_mark(const Panel& panel, const Mark& mark) {
  const double x = to_x(panel, mark.x);
  const bool right_half = x > panel.left + panel.width / 2;
  return line(x, plot_top, x, plot_bottom, "stroke=\"#888888\" stroke-dasharray=\"4 4\"") +
         text_at(right_half ? x - 5 : x + 5, plot_top + 11, mark.label,
                 std::string("fill=\"#666666\" font-size=\"11\" text-anchor=\"") +
                     (right_half ? "end" : "start") + "\"");
}

}  // namespace

bool Series::any() const {
  return std::ranges::any_of(points, [](const auto& p) { return std::isfinite(p.second); });
}

std::pair<double, double> range_of(std::span<const Series> all) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const Series& series : all) {
    for (const auto& [at, value] : series.points) {
      if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
    }
  }
  return {low, high};
}

std::string draw_panel(const Panel& panel, std::span<const Series> all, const std::optional<Mark>& mark) {
  std::string svg = draw_axes(panel);
  if (mark) svg += draw_mark(panel, *mark);
  for (const Series& series : all) svg += draw_series(panel, series);
  return svg + draw_legend(panel, all);
}

std::string chart_page(const std::string& title, const std::string& subtitle, const std::string& panels) {
  std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\"" + attribute("width", page_width) +
      attribute("height", page_height) + " viewBox=\"0 0 " + number(page_width) + " " + number(page_height) +
      "\" font-family=\"system-ui, 'DejaVu Sans', Helvetica, Arial, sans-serif\" font-size=\"12\""
      " fill=\"#222222\">\n<title>" +
      xml_text(title) + "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
  svg += text_at(page_left, 32, title, "font-size=\"19\" font-weight=\"600\"");
  svg += text_at(page_left, 54, subtitle, "font-size=\"13\" fill=\"#666666\"");
  return svg + panels + "</svg>\n";
}

}  // namespace frugal

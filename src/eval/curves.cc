#include "eval/curves.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>
#include <vector>

#include "base/text.h"
#include "eval/axis.h"

namespace frugal {
namespace {

constexpr double width = 980, height = 440;
constexpr double plot_top = 112, plot_bottom = 380, plot_width = 390;
constexpr double loss_left = 70, accuracy_left = 560;
constexpr const char* train_colour =
    "#0072b2";  // Okabe and Ito's blue and vermilion: told apart by every eye
constexpr const char* val_colour = "#d55e00";
constexpr size_t most_markers = 40;

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

/// One curve: (epoch, value), not finite where nothing was measured.
struct Series {
  std::string name;
  const char* colour;
  std::vector<std::pair<double, double>> points;
  bool any() const {
    return std::ranges::any_of(points, [](const auto& p) { return std::isfinite(p.second); });
  }
};

/// A rectangle of the page with its two axes.
struct Panel {
  double left;
  Axis x, y;
  double to_x(double value) const { return left + x.position(value) * plot_width; }
  double to_y(double value) const { return plot_bottom - y.position(value) * (plot_bottom - plot_top); }
};

std::string draw_axes(const Panel& panel, const std::string& title) {
  std::string svg = text_at(panel.left, plot_top - 32, title, "font-size=\"15\" font-weight=\"600\"");
  for (double tick : panel.y.ticks) {
    const double y = panel.to_y(tick);
    svg += line(panel.left, y, panel.left + plot_width, y, "stroke=\"#e3e3e3\"");
    svg += text_at(panel.left - 8, y + 4, panel.y.label(tick), "text-anchor=\"end\" fill=\"#444444\"");
  }
  for (double tick : panel.x.ticks) {
    const double x = panel.to_x(tick);
    svg += line(x, plot_bottom, x, plot_bottom + 5, "stroke=\"#444444\"");
    svg += text_at(x, plot_bottom + 20, panel.x.label(tick), "text-anchor=\"middle\" fill=\"#444444\"");
  }
  svg += line(panel.left, plot_bottom, panel.left + plot_width, plot_bottom, "stroke=\"#444444\"");
  svg += line(panel.left, plot_top, panel.left, plot_bottom, "stroke=\"#444444\"");
  return svg + text_at(panel.left + plot_width / 2, plot_bottom + 42, "epoch",
                       "text-anchor=\"middle\" fill=\"#444444\"");
}

/// Runs of finite values become lines; a value alone, and every value of a short history, a dot.
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
    const auto [epoch, value] = series.points[i];
    if (!std::isfinite(value)) {
      end_run();
      continue;
    }
    const std::string x = number(panel.to_x(epoch)), y = number(panel.to_y(value));
    path += (run++ == 0 ? "" : " ") + x + "," + y;
    const bool last = i + 1 == series.points.size();
    const bool alone = run == 1 && (last || !std::isfinite(series.points[i + 1].second));
    if (alone || series.points.size() <= most_markers) {
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
    if (!series.any()) continue;
    svg += line(x, plot_top - 15, x + 22, plot_top - 15,
                std::string("stroke-width=\"3\" stroke=\"") + series.colour + "\"");
    svg += text_at(x + 28, plot_top - 11, series.name);
    x += 44 + 7.0 * static_cast<double>(series.name.size());
  }
  return svg;
}

std::string draw_panel(double left, const Axis& epochs, const Axis& values, const std::string& title,
                       std::span<const Series> all, int64_t best_epoch) {
  const Panel panel{left, epochs, values};
  std::string svg = draw_axes(panel, title);
  if (best_epoch > 0) {
    const double x = panel.to_x(static_cast<double>(best_epoch));
    svg += line(x, plot_top, x, plot_bottom, "stroke=\"#888888\" stroke-dasharray=\"4 4\"");
    const bool right_half = x > left + plot_width / 2;
    svg += text_at(right_half ? x - 5 : x + 5, plot_top + 11, "best: " + std::to_string(best_epoch),
                   std::string("fill=\"#666666\" font-size=\"11\" text-anchor=\"") +
                       (right_half ? "end" : "start") + "\"");
  }
  for (const Series& series : all) svg += draw_series(panel, series);
  return svg + draw_legend(panel, all);
}

using Getter = double (*)(const EpochRecord&);

std::vector<Series> two_series(std::span<const EpochRecord> history, const char* train_name, Getter train,
                               const char* val_name, Getter val) {
  std::vector<Series> all = {{train_name, train_colour, {}}, {val_name, val_colour, {}}};
  for (const EpochRecord& record : history) {
    const auto epoch = static_cast<double>(record.epoch);
    all[0].points.emplace_back(epoch, train(record));
    // Epochs that were not validated are no gap in the line.
    if (record.val.samples > 0) all[1].points.emplace_back(epoch, val(record));
  }
  return all;
}

std::pair<double, double> range_of(std::span<const Series> all) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const Series& series : all) {
    for (const auto& [epoch, value] : series.points) {
      if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
    }
  }
  return {low, high};
}

}  // namespace

std::string curves_svg(std::span<const EpochRecord> history, const CurvesText& text) {
  const auto losses = two_series(
      history, "training loss", [](const EpochRecord& r) { return r.train.loss; }, "validation loss",
      [](const EpochRecord& r) { return r.val.loss; });
  const auto accuracies = two_series(
      history, "training accuracy", [](const EpochRecord& r) { return 100 * r.train.top1; },
      "validation accuracy", [](const EpochRecord& r) { return 100 * r.val.top1; });

  const Axis epochs = history.empty() ? counting_axis(1, 1, 8)
                                      : counting_axis(history.front().epoch, history.back().epoch, 8);
  auto [low, high] = range_of(losses);
  if (low > 0 && low < 0.5 * high) low = 0;
  const Axis loss_axis = nice_axis(low, high, 6);
  const double best_accuracy = range_of(accuracies).second;
  const Axis accuracy_axis =
      nice_axis(0, std::isfinite(best_accuracy) ? std::max(best_accuracy, 1.0) : 100, 6);

  std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\"" + attribute("width", width) + attribute("height", height) +
      " viewBox=\"0 0 " + number(width) + " " + number(height) +
      "\" font-family=\"system-ui, 'DejaVu Sans', Helvetica, Arial, sans-serif\" font-size=\"12\""
      " fill=\"#222222\">\n<title>" +
      xml_text(text.title) + "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
  svg += text_at(loss_left, 32, text.title, "font-size=\"19\" font-weight=\"600\"");
  svg += text_at(loss_left, 54, text.subtitle, "font-size=\"13\" fill=\"#666666\"");
  svg += draw_panel(loss_left, epochs, loss_axis, "Loss", losses, text.best_epoch);
  svg += draw_panel(accuracy_left, epochs, accuracy_axis, "Top-1 accuracy (%)", accuracies, text.best_epoch);
  return svg + "</svg>\n";
}

}  // namespace frugal

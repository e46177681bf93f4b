#include "eval/schedule_chart.h"

#include "eval/chart.h"

namespace frugal {

std::string schedule_svg(std::span<const RatePoint> points, int64_t epochs, const std::string& title,
                         const std::string& subtitle) {
  Series rates;
  rates.dots = points.size() == 1;  // nothing else would be seen of it
  for (size_t i = 0; i < points.size(); ++i) {
    // Of a rate that stays, its first and last step are enough.
    const bool inside = i > 0 && i + 1 < points.size() && points[i - 1].rate == points[i].rate &&
                        points[i + 1].rate == points[i].rate;
    if (!inside) rates.points.emplace_back(points[i].at.epochs, points[i].rate);
  }
  const std::span<const Series> all(&rates, 1);
  const Panel panel{.x = counting_axis(0, epochs, 10),
                    .y = nice_axis(0, range_of(all).second, 6),
                    .title = "Learning rate",
                    .x_title = "epochs done"};
  return chart_page(title, subtitle, draw_panel(panel, all));
}

}  // namespace frugal

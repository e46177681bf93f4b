#include "eval/curves.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "eval/chart.h"

namespace frugal {
namespace {

using Getter = double (*)(const EpochRecord&);

std::vector<Series> two_series(std::span<const EpochRecord> history, const char* train_name, Getter train,
                               const char* val_name, Getter val) {
  std::vector<Series> all = {{train_name, chart_blue}, {val_name, chart_vermilion}};
  for (const EpochRecord& record : history) {
    const auto epoch = static_cast<double>(record.epoch);
    all[0].points.emplace_back(epoch, train(record));
    // Epochs that were not validated are no gap in the line.
    if (record.val.samples > 0) all[1].points.emplace_back(epoch, val(record));
  }
  return all;
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

  std::optional<Mark> best;
  if (text.best_epoch > 0) {
    best = Mark{static_cast<double>(text.best_epoch), "best: " + std::to_string(text.best_epoch)};
  }
  const Panel left{70, 390, epochs, loss_axis, "Loss", "epoch"};
  const Panel right{560, 390, epochs, accuracy_axis, "Top-1 accuracy (%)", "epoch"};
  return chart_page(text.title, text.subtitle,
                    draw_panel(left, losses, best) + draw_panel(right, accuracies, best));
}

}  // namespace frugal

#include "run/curve_keeper.h"

#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "eval/curves.h"
#include "eval/proportion.h"

namespace frugal {

CurveKeeper::CurveKeeper(std::filesystem::path out, std::string title, TrainObserver& next)
    : ObserverLink(next), out_(std::move(out)), title_(std::move(title)) {}

void CurveKeeper::on_resume(const std::vector<EpochRecord>& history, const std::string& where) {
  history_ = history;
  ObserverLink::on_resume(history, where);
}

void CurveKeeper::on_epoch(const EpochRecord& record, int64_t epochs, double seconds_left) {
  ObserverLink::on_epoch(record, epochs, seconds_left);
  history_.push_back(record);
  draw("", 0);
}

void CurveKeeper::finish(const TrainResult& result) {
  std::string subtitle = result.interrupted ? "interrupted" : "test top-1 " + percent(result.test.top1);
  const bool validated = result.best_epoch > 0 && std::isfinite(result.best_val.top1);
  if (validated) {
    subtitle += ", best validation top-1 " + percent(result.best_val.top1) + " in epoch " +
                std::to_string(result.best_epoch);
  }
  draw(subtitle, validated ? result.best_epoch : 0);
}

void CurveKeeper::draw(const std::string& subtitle, int64_t best_epoch) {
  try {
    write_file_atomic(out_ / "curves.svg", curves_svg(history_, {title_, subtitle, best_epoch}));
  } catch (const Error& error) {
    // A plot is not worth a run; a disk that is really full stops it where the weights are saved.
    if (!warned_) on_message(error.what());
    warned_ = true;
  }
}

}  // namespace frugal

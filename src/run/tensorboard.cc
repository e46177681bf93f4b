#include "run/tensorboard.h"

#include <cmath>
#include <string>

#include "base/error.h"
#include "data/augment.h"
#include "eval/sheet.h"

namespace frugal {

TensorboardWriter::TensorboardWriter(const std::filesystem::path& directory, Engine& engine,
                                     TrainObserver& next)
    : ObserverLink(next), file_(directory), engine_(engine) {}

template <class Write>
void TensorboardWriter::attempt(const Write& write) {
  if (failed_) return;
  try {
    write();
  } catch (const Error& error) {
    on_message(std::string(error.what()) + "; TensorBoard is told no more");
    failed_ = true;
  }
}

void TensorboardWriter::scalar(const std::string& tag, int64_t epoch, double value) {
  if (std::isfinite(value)) attempt([&] { file_.scalar(tag, epoch, value); });
}

void TensorboardWriter::show_samples(const Dataset& data, const TrainConfig& config) {
  if (data.train.channels != 1 && data.train.channels != 3) return;
  attempt([&] {
    file_.image("samples", 0,
                augment_sheet(data.train, parse_augment(config.augment), measure_normalization(data.train),
                              config.seed));
  });
}

void TensorboardWriter::on_epoch(const EpochRecord& record, int64_t epochs, double seconds_left) {
  const int64_t epoch = record.epoch;
  const auto figures = [&](const Metrics& metrics, const std::string& of) {
    if (metrics.samples == 0) return;
    scalar("loss/" + of, epoch, metrics.loss);
    scalar("top1/" + of, epoch, metrics.top1);
    scalar("top5/" + of, epoch, metrics.top5);
  };
  figures(record.train, "train");
  figures(record.val, "val");
  figures(record.ema, "ema");
  if (record.train.samples > 0) {  // time may be over before an epoch's first step
    scalar("lr", epoch, record.lr);
    scalar("loss/penalty", epoch, record.penalty);
    scalar("images_per_second", epoch, static_cast<double>(record.train.samples) / record.train_seconds);
  }
  Parameters& parameters = engine_.parameters();
  for (size_t i = 0; i < parameters.slots().size(); ++i) {
    attempt(
        [&] { file_.histogram(parameters.slots()[i].name, epoch, parameters.weight(static_cast<int>(i))); });
  }
  ObserverLink::on_epoch(record, epochs, seconds_left);
}

void TensorboardWriter::finish(const TrainResult& result) {
  if (result.interrupted) return;
  scalar("loss/test", result.epochs, result.test.loss);
  scalar("top1/test", result.epochs, result.test.top1);
  scalar("top5/test", result.epochs, result.test.top5);
}

}  // namespace frugal

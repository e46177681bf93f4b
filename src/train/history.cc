#include "train/history.h"

#include <limits>
#include <nlohmann/json.hpp>

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;  // writes NaN and infinity as null

/// Null where nothing was measured.
Json metrics_json(const Metrics& metrics) {
  if (metrics.samples == 0) return nullptr;
  return {{"loss", metrics.loss}, {"loss_batch_mean", metrics.loss_batch_mean},
          {"top1", metrics.top1}, {"top3", metrics.top3},
          {"top5", metrics.top5}, {"samples", metrics.samples}};
}

double per_second(int64_t images, double seconds) {
  return seconds > 0 ? static_cast<double>(images) / seconds : 0;
}

}  // namespace

Metrics to_metrics(const LossSums& sums, double loss_batch_mean) {
  const auto mean = [&](double sum) {
    return sums.samples > 0 ? sum / static_cast<double>(sums.samples)
                            : std::numeric_limits<double>::quiet_NaN();
  };
  return {.loss = sums.weight > 0 ? sums.loss / sums.weight : mean(sums.loss),
          .top1 = mean(static_cast<double>(sums.top1)),
          .top3 = mean(static_cast<double>(sums.top3)),
          .top5 = mean(static_cast<double>(sums.top5)),
          .samples = sums.samples,
          .loss_batch_mean = loss_batch_mean};
}

std::string log_line(const EpochRecord& record) {
  const Json line = {
      {"epoch", record.epoch},
      {"train", metrics_json(record.train)},
      {"penalty", record.penalty},
      {"val", metrics_json(record.val)},
      {"lr", record.lr},
      {"timing",
       {{"seconds", record.seconds},
        {"train_seconds", record.train_seconds},
        {"images_per_second", per_second(record.train.samples, record.train_seconds)}}},
  };
  return line.dump();
}

std::string result_text(const TrainResult& result, const RunFacts& facts) {
  const Json json = {
      {"params", facts.params},
      {"trainable_params", facts.trainable_params},
      {"epochs", result.history.size()},
      {"best_epoch", result.best_epoch > 0 ? Json(result.best_epoch) : Json()},
      {"val", metrics_json(result.best_val)},
      {"test", metrics_json(result.test)},
      {"tested", result.tested.empty() ? Json() : Json(result.tested)},
      {"interrupted", result.interrupted},
      {"precision", facts.precision},
      {"isa", facts.isa},
      {"version", facts.version},
      {"timing",
       {{"wall_seconds", result.wall_seconds},
        {"images_per_second", per_second(result.images_trained, result.train_step_seconds)},
        {"activation_bytes", result.activation_bytes},
        {"threads", facts.threads}}},
  };
  return json.dump(2) + "\n";
}

}  // namespace frugal

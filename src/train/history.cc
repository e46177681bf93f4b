#include "train/history.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include "base/error.h"
#include "base/file.h"

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

double number_from(const Json& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

Metrics metrics_from(const Json& json) {
  if (json.is_null()) return no_metrics();
  return {.loss = number_from(json.at("loss")),
          .top1 = json.at("top1").get<double>(),
          .top3 = json.at("top3").get<double>(),
          .top5 = json.at("top5").get<double>(),
          .samples = json.at("samples").get<int64_t>(),
          .loss_batch_mean = number_from(json.at("loss_batch_mean"))};
}

double per_second(int64_t images, double seconds) {
  return seconds > 0 ? static_cast<double>(images) / seconds : 0;
}

}  // namespace

std::string log_line(const EpochRecord& record) {
  Json line = {
      {"epoch", record.epoch},
      {"steps", record.steps},
      {"train", metrics_json(record.train)},
      {"penalty", record.penalty},
      {"val", metrics_json(record.val)},
      {"lr", record.lr},
      {"timing",
       {{"seconds", record.seconds},
        {"train_seconds", record.train_seconds},
        {"images_per_second", per_second(record.train.samples, record.train_seconds)}}},
  };
  if (record.ema.samples > 0) line["ema"] = metrics_json(record.ema);
  return line.dump();
}

std::string rollback_line(const Position& position, const std::string& why) {
  return Json({{"event", "rollback"},
               {"why", why},
               {"epoch", position.epoch},
               {"rollbacks", position.rollbacks},
               {"lr_factor", position.lr_factor}})
      .dump();
}

std::vector<EpochRecord> read_log(const std::string& text, const std::string& file) {
  std::vector<EpochRecord> records;
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    try {
      const Json json = Json::parse(line);
      if (json.contains("event")) continue;
      EpochRecord record;
      json.at("epoch").get_to(record.epoch);
      json.at("steps").get_to(record.steps);
      record.train = metrics_from(json.at("train"));
      record.val = metrics_from(json.at("val"));
      record.ema = json.contains("ema") ? metrics_from(json.at("ema")) : no_metrics();
      json.at("penalty").get_to(record.penalty);
      json.at("lr").get_to(record.lr);
      json.at("timing").at("seconds").get_to(record.seconds);
      json.at("timing").at("train_seconds").get_to(record.train_seconds);
      records.push_back(record);
    } catch (const Json::exception&) {
      throw Error(file + ":" + std::to_string(number) + ": no line of a run's log; the file is damaged");
    }
  }
  return records;
}

std::string finished_result(const std::filesystem::path& run) {
  std::error_code failure;
  const std::filesystem::path path = run / "result.json";
  if (!std::filesystem::exists(path, failure)) return "";
  std::string text = read_text_file(path);
  const auto result = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return result.is_object() && !result.value("interrupted", true) ? text : "";
}

std::filesystem::path run_weights(const std::filesystem::path& run) {
  std::error_code failure;
  for (const char* name : {"best.safetensors", "last.safetensors"}) {
    if (std::filesystem::exists(run / name, failure)) return run / name;
  }
  return {};
}

std::string result_text(const TrainResult& result, const RunFacts& facts) {
  const Json json = {
      {"params", facts.params},
      {"trainable_params", facts.trainable_params},
      {"epochs", result.epochs},
      {"steps", result.steps},
      {"best_epoch", result.best_epoch > 0 ? Json(result.best_epoch) : Json()},
      {"val", metrics_json(result.best_val)},
      {"test", metrics_json(result.test)},
      {"test_complete", result.tested.empty() ? Json() : Json(result.test.samples == result.test_images)},
      {"tested", result.tested.empty() ? Json() : Json(result.tested)},
      {"interrupted", result.interrupted},
      {"stopped_early", result.stopped_early},
      {"precision", facts.precision},
      {"isa", facts.isa},
      {"processor", facts.processor},
      {"version", facts.version},
      {"timing",
       {{"wall_seconds", result.wall_seconds},
        {"limit_seconds", result.limit_seconds > 0 ? Json(result.limit_seconds) : Json()},
        {"train_seconds", result.train_step_seconds},
        {"images_per_second", per_second(result.images_trained, result.train_step_seconds)},
        {"activation_bytes", result.activation_bytes},
        {"threads", facts.threads}}},
  };
  return json.dump(2) + "\n";
}

}  // namespace frugal

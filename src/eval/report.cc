#include "eval/report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/text.h"
#include "data/image_file.h"
#include "data/resize.h"
#include "eval/predict.h"
#include "eval/report_assets.h"
#include "graph/table.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;  // writes NaN as null

std::string base64(std::span<const uint8_t> bytes) {
  constexpr const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t left = std::min<size_t>(3, bytes.size() - i);
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k) word = word << 8 | (k < left ? bytes[i + k] : 0u);
    for (size_t k = 0; k < 4; ++k) text += k <= left ? digits[word >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

/// As large as the page shows it, and no larger: photographs would make megabytes.
std::string data_url(const Image& picture) {
  constexpr int64_t most_side = 96;
  const int64_t side = std::max(picture.height, picture.width);
  const auto shrunk = [side](int64_t extent) { return std::max<int64_t>(1, extent * most_side / side); };
  const Image small =
      side <= most_side ? picture : resize(picture, shrunk(picture.height), shrunk(picture.width));
  return "data:image/png;base64," + base64(encode_png(small));
}

/// A list a curve: shorter than a list of objects, and what the charts want.
Json history_json(const std::vector<EpochRecord>& history) {
  Json json;
  for (const char* name : {"epoch", "steps", "minutes", "lr", "train_loss", "train_top1", "val_loss",
                           "val_top1", "ema_top1", "images_per_second"}) {
    json[name] = Json::array();  // also where no epoch has ended
  }
  double seconds = 0;
  for (const EpochRecord& record : history) {
    seconds += record.seconds;
    const auto add = [&](const char* name, const Json& value) { json[name].push_back(value); };
    const auto of = [](const Metrics& metrics, double value) {
      return metrics.samples > 0 ? Json(value) : Json();
    };
    add("epoch", record.epoch);
    add("steps", record.steps);
    add("minutes", seconds / 60);
    add("lr", of(record.train, record.lr));
    add("train_loss", of(record.train, record.train.loss));
    add("train_top1", of(record.train, record.train.top1));
    add("val_loss", of(record.val, record.val.loss));
    add("val_top1", of(record.val, record.val.top1));
    add("ema_top1", of(record.ema, record.ema.top1));
    add("images_per_second",
        of(record.train, static_cast<double>(record.train.samples) / record.train_seconds));
  }
  return json;
}

Json test_json(const ReportedTest& test) {
  const Assessment& assessment = test.assessment;
  Json classes = Json::array(), bins = Json::array(), mistakes = Json::array(), cells = Json::array();
  for (const ClassScore& score : assessment.classes) {
    classes.push_back({score.images, score.guessed, score.right, score.precision, score.recall, score.f1});
  }
  for (const CalibrationBin& bin : assessment.calibration.bins) {
    bins.push_back({bin.low, bin.high, bin.images, bin.confidence, bin.accuracy});
  }
  for (const Mistake& mistake : test.mistakes) {
    mistakes.push_back({{"image", mistake.image},
                        {"label", mistake.label},
                        {"guesses", mistake.guesses},
                        {"png", mistake.png}});
  }
  for (size_t i = 0; i < assessment.confusion.size(); ++i) {  // most are zero
    if (assessment.confusion[i] > 0) cells.push_back({i, assessment.confusion[i]});
  }
  Json json = {{"images", assessment.images},
               {"top1", assessment.top1},
               {"top3", assessment.top3},
               {"top5", assessment.top5},
               {"names", test.classes},
               {"superclasses", test.superclasses},
               {"superclass_of", test.superclass_of},
               {"classes", classes},
               {"confusion", cells},
               {"bins", bins},
               {"calibration_error", assessment.calibration.error},
               {"confidence", assessment.calibration.confidence},
               {"mistakes", mistakes}};
  if (assessment.superclass) {
    json["superclass"] = {{"accuracy", assessment.superclass->accuracy},
                          {"errors_within", assessment.superclass->errors_within}};
  }
  return json;
}

Json run_json(const ReportedRun& run) {
  Json layers = Json::array();
  for (const LayerRow& row : layer_rows(run.graph)) {
    layers.push_back({row.name, row.kind, shape_text(row.out), row.parameters, row.macs});
  }
  return {{"name", run.name},
          {"model", run.config.model},
          {"data", run.config.data},
          {"max_time", run.config.max_time},
          {"command", command_line(run.config)},
          {"config", run.config_text},
          {"result", Json::parse(run.result_text, nullptr, /*allow_exceptions=*/false)},
          {"history", history_json(run.history)},
          {"replays", run.config.max_time != TrainConfig().max_time},
          {"layers", layers},
          {"params", run.graph.parameter_count()},
          {"macs", run.graph.macs()},
          {"machine", run.machine},
          {"test", run.test ? test_json(*run.test) : Json()}};
}

/// Nothing in it can end the script element that it stands in.
std::string in_script(const Json& json) {
  std::string text;
  for (const char c : json.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

std::vector<Mistake> confident_mistakes(std::span<const float> logits, const ImageSet& images,
                                        std::span<const int32_t> ids, int64_t classes, size_t most) {
  std::vector<std::pair<double, size_t>> wrong;  // by confidence, falling
  for (size_t n = 0; n < ids.size(); ++n) {
    const Guess guess =
        best_guesses(logits.subspan(n * static_cast<size_t>(classes), static_cast<size_t>(classes)), 1).at(0);
    if (guess.label != images.labels[static_cast<size_t>(ids[n])]) wrong.emplace_back(-guess.probability, n);
  }
  std::ranges::sort(wrong);
  std::vector<Mistake> mistakes;
  std::set<std::pair<int32_t, int32_t>> seen;
  for (const auto& [confidence, n] : wrong) {
    if (mistakes.size() == most) break;
    Mistake mistake{
        .image = ids[n], .label = images.labels[static_cast<size_t>(ids[n])], .guesses = {}, .png = {}};
    for (const Guess& guess :
         best_guesses(logits.subspan(n * static_cast<size_t>(classes), static_cast<size_t>(classes)), 5)) {
      mistake.guesses.emplace_back(guess.label, guess.probability);
    }
    if (!seen.insert({mistake.label, mistake.guesses[0].first}).second) continue;
    if (images.channels == 1 || images.channels == 3) mistake.png = data_url(images.picture(ids[n]));
    mistakes.push_back(std::move(mistake));
  }
  return mistakes;
}

std::string report_html(const std::string& title, const std::vector<ReportedRun>& runs) {
  Json data = {{"title", title}, {"version", FRUGAL_VERSION}, {"runs", Json::array()}};
  for (const ReportedRun& run : runs) data["runs"].push_back(run_json(run));
  std::string page(report_asset("report.html"));
  const auto put = [&page](const std::string& mark, const std::string& text) {
    const size_t at = page.find(mark);
    page.replace(at, mark.size(), text);
  };
  put("{{uplot.css}}", std::string(report_asset("uPlot.min.css")));
  put("{{report.css}}", std::string(report_asset("report.css")));
  put("{{uplot.js}}", std::string(report_asset("uPlot.iife.min.js")));
  put("{{report.js}}", std::string(report_asset("report.js")));
  put("{{data}}", in_script(data));
  for (int i = 0; i < 2; ++i) put("{{title}}", xml_text(title));  // last: it may say anything
  return page;
}

}  // namespace frugal

#include "train/position.h"

#include <limits>

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"

namespace frugal {
namespace {

/// Calls visit(key, field) for every field: one list for both ways, so that none can be written and not read.
template <class Metrics, class Visit>
void visit_metrics(const std::string& prefix, Metrics& metrics, Visit&& visit) {
  visit(prefix + "loss", metrics.loss);
  visit(prefix + "loss_batch_mean", metrics.loss_batch_mean);
  visit(prefix + "top1", metrics.top1);
  visit(prefix + "top3", metrics.top3);
  visit(prefix + "top5", metrics.top5);
  visit(prefix + "samples", metrics.samples);
}

template <class Position, class Visit>
void for_each_field(Position& position, Visit&& visit) {
  visit("epoch", position.epoch);
  visit("steps", position.steps);
  visit("step", position.sums.steps);
  visit("sum_loss", position.sums.loss.loss);
  visit("sum_weight", position.sums.loss.weight);
  visit("sum_top1", position.sums.loss.top1);
  visit("sum_top3", position.sums.loss.top3);
  visit("sum_top5", position.sums.loss.top5);
  visit("sum_samples", position.sums.loss.samples);
  visit("sum_batch_means", position.sums.batch_means);
  visit("sum_penalties", position.sums.penalties);
  visit("sum_seconds", position.sums.seconds);
  visit("sum_train_seconds", position.sums.train_seconds);
  visit("lr", position.sums.lr);
  visit("optimizer_steps", position.optimizer_steps);
  visit("changed_at", position.changed_at);
  visit("images", position.images);
  visit("log_lines", position.log_lines);
  visit("validated_at", position.validated_at);
  visit("trained", position.trained);
  visit("out_of_patience", position.out_of_patience);
  visit("best_epoch", position.best_epoch);
  visit("best_step", position.best_step);
  visit("best_is_ema", position.best_is_ema);
  visit_metrics("best_", position.best_val, visit);
  visit("stale", position.stale);
  visit("lr_factor", position.lr_factor);
  visit("rollbacks", position.rollbacks);
  visit("first_step", position.first_step);
  visit("train_seconds", position.train_seconds);
}

std::string to_text(int64_t value) { return std::to_string(value); }
std::string to_text(bool value) { return value ? "true" : "false"; }
std::string to_text(double value) { return exact_text(value); }
std::string to_text(const std::vector<int64_t>& values) {
  std::vector<std::string> texts;
  texts.reserve(values.size());
  for (const int64_t value : values) texts.push_back(std::to_string(value));
  return join(texts, ",");
}

void from_text(const std::string& text, int64_t& value) { value = parse_integer(text, ""); }
void from_text(const std::string& text, bool& value) { value = text == "true"; }
void from_text(const std::string& text, double& value) {
  // What has not been measured; parse_number refuses it, as people should not write it.
  value = text == "nan" ? std::numeric_limits<double>::quiet_NaN() : parse_number(text, "");
}
void from_text(const std::string& text, std::vector<int64_t>& values) {
  values.clear();
  if (text.empty()) return;
  for (const std::string_view one : split(text, ',')) values.push_back(parse_integer(std::string(one), ""));
}

}  // namespace

std::map<std::string, std::string> to_extra(const Position& position) {
  std::map<std::string, std::string> extra;
  for_each_field(position, [&](const std::string& key, const auto& value) { extra[key] = to_text(value); });
  return extra;
}

Position to_position(const std::map<std::string, std::string>& extra, const std::string& file) {
  Position position;
  for_each_field(position, [&](const std::string& key, auto& value) {
    const auto found = extra.find(key);
    if (found == extra.end() && key == "out_of_patience") return;  // since 0.1.0 was first built
    if (found == extra.end()) {
      throw Error(file + ": it does not say '" + key + "', without which a run cannot go on from it");
    }
    try {
      from_text(found->second, value);
    } catch (const Error&) {
      throw Error(file + ": its '" + key + "' is '" + found->second + "'; the file is damaged");
    }
  });
  return position;
}

std::string describe(const Position& position) {
  std::string text = "after epoch " + std::to_string(position.epoch);
  if (position.sums.steps > 0) {
    text += " and " + std::to_string(position.sums.steps) + (position.sums.steps == 1 ? " step" : " steps");
  }
  return text;
}

}  // namespace frugal

#include "cli/judged.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "cli/loading.h"
#include "cli/output.h"
#include "data/selection.h"
#include "train/run_identity.h"

namespace frugal {
namespace {

/// Which images of `data` are meant. What was held out for validation is known from the run's configuration
/// only.
std::vector<int32_t> images_of(const std::string& split, const Dataset& data,
                               const std::optional<TrainConfig>& config, const std::string& flag) {
  if (split == "test") {
    if (data.test.count == 0) throw usage_error(data.name + " has no test images of these classes");
    std::vector<int32_t> all(static_cast<size_t>(data.test.count));
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
  if (!config) {
    throw usage_error(flag +
                      ": which images were held out is in the run's config.toml; give the run directory");
  }
  TrainValSplit halves = choose_split(*config, data);
  std::vector<int32_t> chosen = split == "val" ? std::move(halves.val) : std::move(halves.train);
  if (chosen.empty()) throw usage_error(flag + ": the run held no image out for it");
  return chosen;
}

}  // namespace

void check_data_fits(const Dataset& data, const CheckpointInfo& info, const std::string& what) {
  const Shape shape{data.train.height, data.train.width, data.train.channels};
  if (shape != info.input) {  // heights and widths have been made alike
    throw usage_error(what + ": the images of " + data.name + " are " + image_shape(data.train) +
                      ", the model takes " + std::to_string(info.input.c) + " x " +
                      std::to_string(info.input.h) + " x " + std::to_string(info.input.w));
  }
  if (data.classes != info.classes) {
    const bool counts = data.classes.size() != info.classes.size();
    throw usage_error(what + ": the classes of " + data.name +
                      " are not those that the model was trained on" +
                      (counts ? " (" + std::to_string(data.classes.size()) + " instead of " +
                                    std::to_string(info.classes.size()) + ")"
                              : ""));
  }
}

Judged load_judged(const std::string& run_or_file, const JudgedFlags& flags) {
  Judged judged;
  judged.files = find_model(run_or_file);
  judged.config = load_config(judged.files);
  judged.engine.threads = flags.threads;
  const std::optional<TrainConfig>& config = judged.config;
  if (config) {
    judged.engine.batch = config->batch;
    judged.engine.shard = config->shard;
    judged.engine.batch_norm = choose_batch_norm(config->batch_norm);
  }
  judged.engine.precision = choose_precision(!flags.precision.empty() ? flags.precision
                                             : config                 ? config->precision
                                                                      : "auto");
  judged.model = load_model(judged.files, judged.engine);
  return judged;
}

Dataset load_judged_data(const Judged& judged, const std::string& asked, bool skip_bad, bool bar) {
  const std::optional<TrainConfig>& config = judged.config;
  const CheckpointInfo& info = judged.model.info;
  const std::string name = !asked.empty() ? asked : config ? config->data : info.data;
  LoadOptions how = loading(bar);
  how.skip_bad = skip_bad || (config && config->skip_bad);
  how.image_size = ImageSize{info.input.h, info.input.w};
  Dataset data = load_dataset(name, how);
  const bool trained = is_trained_data(judged, data);
  const bool of_run = config && (name == config->data || trained);
  if (of_run) {
    if (!trained) {
      warn(
          name +
          ": these are not the images that the run was trained with: some were added, taken away or changed, "
          "so that the model may have seen images that it is judged by");
    }
    apply_selection(*config, data);
  } else {
    keep_classes(data, info.classes);
  }
  check_data_fits(data, info, "--data");
  if (config && !of_run && config->task != "all") select(data, {.task = config->task});
  return data;
}

bool is_trained_data(const Judged& judged, const Dataset& data) {
  const std::string trained = trained_data(judged.model.info);
  if (!trained.empty()) return data.fingerprint == trained;
  return judged.config && data.name == judged.config->data;  // weights of before it was noted
}

JudgedImages::JudgedImages(const Dataset& data, const std::string& split,
                           const std::optional<TrainConfig>& config, bool unmasked, const std::string& flag)
    : set(split == "test" ? data.test : data.train),
      ids(images_of(split, data, config, flag.empty() ? "--split " + split : flag)) {
  labels.reserve(ids.size());
  for (const int32_t id : ids) labels.push_back(set.labels[static_cast<size_t>(id)]);
  TrainConfig how_to_judge = config.value_or(TrainConfig());
  if (unmasked) how_to_judge.task = "all";
  loss = loss_for(how_to_judge, data);
  if (how_to_judge.task != "all") task = parse_classes(how_to_judge.task, data.classes, "--task");
}

Metrics JudgedImages::measure(Judged& judged, TestTime test_time, std::span<float> logits) const {
  return evaluate(*judged.model.engine, set, ids, judged.model.info.normalization, loss.logits(),
                  judged.engine.batch, {.test_time = test_time, .logits = logits});
}

Metrics JudgedImages::measure(Judged& judged, std::vector<float>& logits) const {
  const auto classes = static_cast<size_t>(judged.model.graph.classes);
  logits.resize(ids.size() * classes);
  const Metrics metrics = measure(judged, TestTime::plain, logits);
  // Which class is the likeliest then, nobody can say: every figure would say something else.
  size_t broken = 0;
  for (size_t n = 0; n < ids.size(); ++n) {
    broken += !std::ranges::all_of(std::span(logits).subspan(n * classes, classes),
                                   [](float logit) { return std::isfinite(logit); });
  }
  if (broken > 0) {
    throw Error(judged.files.weights.string() + ": of " + std::to_string(broken) + " of " +
                std::to_string(ids.size()) +
                " images the network's logits are not finite; its weights are broken, or the run diverged");
  }
  return metrics;
}

void JudgedImages::mask(std::vector<float>& logits, int64_t classes) const {
  if (task.empty()) return;
  for (size_t i = 0; i < logits.size(); ++i) {
    const auto label = static_cast<int32_t>(i % static_cast<size_t>(classes));
    if (std::ranges::find(task, label) == task.end()) logits[i] = -std::numeric_limits<float>::infinity();
  }
}

}  // namespace frugal

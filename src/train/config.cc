#include "train/config.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "data/augment.h"
#include "data/dataset.h"
#include "data/load_options.h"
#include "graph/presets.h"
#include "train/ema.h"
#include "train/freeze.h"
#include "train/limits.h"
#include "train/loss.h"
#include "train/optimizer.h"
#include "train/schedule.h"
#include "train/size_schedule.h"

namespace frugal {
namespace {

// Far beyond use, and small enough that no product of two overflows.
constexpr int64_t most_epochs = 1'000'000, most_images = 1'000'000;
constexpr int most_threads = 1024;

void require(bool ok, const std::string& message) {
  if (!ok) throw usage_error(message);
}

void require_one_of(const std::string& value, const std::vector<std::string>& known,
                    const std::string& flag) {
  require(std::ranges::find(known, value) != known.end(),
          flag + ": " + in_quotes(value) + " is none of " + join(known));
}

void require_within(int64_t value, int64_t least, int64_t most, const std::string& flag) {
  require(value >= least && value <= most, flag + " must be in " + std::to_string(least) + " to " +
                                               std::to_string(most) + ", not " + std::to_string(value));
}

}  // namespace

TrainConfig recipe(const std::string& name) {
  require_one_of(name, {"default", "seed"}, "--recipe");
  TrainConfig config;
  config.recipe = name;
  if (name == "default") {
    config.schedule = "onecycle";
    config.augment = "auto";
  }
  if (name == "seed") {
    config.model = "smallnet";
    config.optimizer = "sgd";
    config.lr = 0.1;
    config.momentum = 0.9;
    config.weight_decay = 5e-4;
    config.schedule = "step:size=5,gamma=0.2";
    config.warmup = "none";
    config.batch = 128;
    config.epochs = 330;
    config.validate_every = "1";
    config.val = 0.1;
    config.loss = "ce";
    config.augment = "none";
    config.normalize = "none";
    config.batch_norm = "sync";
  }
  return config;
}

OptimizerOptions optimizer_options(const TrainConfig& config) {
  return {config.momentum, config.weight_decay, config.groups, config.decay, config.lookahead};
}

void validate(const TrainConfig& config) {
  recipe(config.recipe);
  require(!config.data.empty(), "--data must name a data set or a directory");
  parse_image_size(config.image_size, "--image-size");
  require(config.val >= 0 && config.val < 1,
          "--val must be in [0, 1): the part of the training images that is held out");
  require(config.fraction > 0 && config.fraction <= 1,
          "--fraction must be in (0, 1]: the part of the training images that is used");
  require(!config.select.empty(), "--select must name classes, or all");
  require(!config.task.empty(), "--task must name classes, or all");
  require_one_of(config.split, {"random", "stratified"}, "--split");
  require_one_of(config.sampling, {"shuffle", "balanced"}, "--sampling");
  require_model(config.model);
  require(!config.from.empty(), "--from must name a run or a weights file, or none");
  parse_freeze(config.freeze);
  parse_freeze_bn(config.freeze_bn);
  const bool timed = parse_max_time(config.max_time) > 0;
  require_within(config.epochs, timed ? 0 : 1, most_epochs, "--epochs");
  parse_validate_every(config.validate_every);
  parse_checkpoint_every(config.checkpoint_every);
  require_within(config.patience, 0, most_epochs, "--patience");
  parse_on_divergence(config.on_divergence);
  require_within(config.batch, 1, most_images, "--batch");
  require(config.lr >= 0 && std::isfinite(config.lr), "--lr must be a number that is not negative");
  check_optimizer(config.optimizer, optimizer_options(config));
  require_within(config.accumulate, 1, most_images, "--accumulate");
  check_ema(config.ema);
  require(config.clip >= 0 && std::isfinite(config.clip),
          "--clip must be a norm that is not negative; 0: none");
  parse_schedule(config.schedule, config.warmup);
  const Loss loss = parse_loss(config.loss);
  require(!loss.needs_teacher() || config.teacher != "none", "--loss: kd and dkd need a --teacher");
  require(!loss.needs_initial_weights() || config.from != "none",
          "--loss: l2sp pulls to the weights of --from, which is not given");
  if (config.augment != "auto") parse_augment(config.augment);
  parse_resize(config.resize);
  check_normalize(config.normalize);
  require_one_of(config.precision, {"auto", "bf16", "fp32"}, "--precision");
  require_one_of(config.batch_norm, {"ghost", "sync"}, "--batch-norm");
  require_within(config.threads, 0, most_threads, "--threads");
  require_within(config.shard, 0, config.batch, "--shard");
  // TOML's integers end here, and config.toml must hold the seed.
  constexpr auto most_seed = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  require(config.seed <= most_seed, "--seed must be below 2^63");
  require(config.split_seed <= most_seed, "--split-seed must be below 2^63");
}

}  // namespace frugal

#include "run/train_flags.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/nearest.h"
#include "base/units.h"
#include "base/utf8.h"
#include "data/locate.h"
#include "graph/presets.h"
#include "train/limits.h"

namespace frugal {
namespace {

template <auto Field>
void set(TrainConfig& config, const std::string& text, const std::string& flag) {
  auto& field = config.*Field;
  using Type = std::remove_reference_t<decltype(field)>;
  if constexpr (std::is_same_v<Type, std::string>) {
    field = text;
  } else if constexpr (std::is_same_v<Type, bool>) {
    field = true;
  } else if constexpr (std::is_floating_point_v<Type>) {
    field = parse_number(text, flag);
  } else {
    const int64_t value = parse_integer(text, flag);
    field = static_cast<Type>(value);
    if (value < 0 || static_cast<int64_t>(field) != value) {
      throw usage_error(flag + ": " + text + " is out of range");
    }
  }
}

template <auto Field>
void set_path(TrainConfig& config, const std::string& text, const std::string& flag) {
  if (text.empty()) throw usage_error(flag + ": a path is missing; none leaves it out");
  config.*Field = text == "none" ? text : std::filesystem::absolute(text).string();
}

using C = TrainConfig;

// The recipe comes first: everything else changes what it says.
const std::vector<TrainFlag> all_flags = {
    {"Data", "--data", "NAME|DIR", known_data,
     [](C& config, const std::string& text, const std::string&) { config.data = path_from_anywhere(text); }},
    {"Data", "--image-size", "N|HxW",
     "Height and width that images are cut and resized to; auto: as they are, of a folder at most 64x64",
     set<&C::image_size>},
    {"Data", "--skip-bad", "", "Leave broken pictures of a folder out and count them, instead of failing",
     set<&C::skip_bad>},
    {"Data", "--select", "CLASSES", "Only these classes, by number or name: 0-49, or 3,apple,bear",
     set<&C::select>},
    {"Data", "--task", "CLASSES",
     "Only images of these classes, which keep their numbers; the logits of the others do not count",
     set<&C::task>},
    {"Data", "--fraction", "PART", "Only this part of the training images, of every class alike",
     set<&C::fraction>},
    {"Data", "--coarse", "", "The data set's superclasses in place of its classes (CIFAR-100's 20)",
     set<&C::coarse>},
    {"Data", "--val", "FRACTION", "Part of the training images held out for validation", set<&C::val>},
    {"Data", "--split", "random|stratified", "stratified: as large a part of every class", set<&C::split>},
    {"Data", "--split-seed", "N", "Which images those are, and which --fraction keeps", set<&C::split_seed>},
    {"Data", "--augment", "LIST",
     "Random changes to training images: auto (flip,crop:N, N an eighth of their sides, for images of three "
     "channels; none for grey ones and with --freeze), none, flip,crop:4, flip,crop:4,jitter:0.2,cutout:8, "
     "... (frugal "
     "data "
     "--help has them all)",
     set<&C::augment>},
    {"Data", "--resize", "SIZE@PROGRESS,...",
     "Train on images whose shorter side has this many pixels, from these parts of the run on: 24@0,32@0.5 "
     "(networks that take any size)",
     set<&C::resize>},
    {"Data", "--normalize", "auto|none|given:...",
     "auto: mean 0 and deviation 1 by channel over the training images; none: pixels in [0, 1]; "
     "given:mean=0.5|0.5|0.5,std=0.2|0.2|0.2: with these numbers",
     set<&C::normalize>},
    {"Training", "--recipe", "NAME",
     "Where settings come from that are not given: default, or seed (the notebook's)", set<&C::recipe>},
    {"Training", "--model", "SPEC",
     "A network, with or without options: resnet20, wrn-16-2:dropout=0.3, ... (frugal model --help has them "
     "all); or a model file: my.toml, my.toml:width=96, net.onnx",
     set<&C::model>},
    {"Training", "--head", "WIDTHS",
     "Dense layers in place of the network's last one, with ReLU between them: 512,100",
     [](C& config, const std::string& text, const std::string&) {
       config.model = with_head(config.model, text);
     }},
    {"Training", "--from", "RUN|FILE",
     "Weights to begin with: a run, or a file (.safetensors, .pt, .pth, .onnx); what does not fit is said",
     set_path<&C::from>},
    {"Training", "--freeze", "PATTERNS",
     "Parameters that are not trained, or only from a part of the run on; !PATTERN exempts: *,!fc.* or "
     "layer1.*@0.5",
     set<&C::freeze>},
    {"Training", "--freeze-bn", "fixed|train",
     "Running statistics of frozen batch-norms: fixed, or adapting as in PyTorch's training mode",
     set<&C::freeze_bn>},
    {"Training", "--epochs", "N", "Passes over the training images; with --max-time: at most",
     set<&C::epochs>},
    {"Training", "--max-time", "DURATION",
     "The whole command ends within it (1h, 90s): schedules follow the clock, and complete",
     set<&C::max_time>},
    {"Training", "--validate-every", "auto|N",
     "Every N epochs, and at the end; auto: as often as costs at most 3 % of the work",
     set<&C::validate_every>},
    {"Training", "--patience", "N", "End the run after N validations without a better one; 0: do not",
     set<&C::patience>},
    {"Training", "--on-divergence", "stop|rollback:...",
     "rollback:factor=0.5,times=3: back to the epoch's start with a lower learning rate, at most 3 times",
     set<&C::on_divergence>},
    {"Training", "--checkpoint-every", "30s|200steps|none",
     "Also within an epoch, so that frugal resume loses little", set<&C::checkpoint_every>},
    {"Training", "--batch", "N", "Images a step", set<&C::batch>},
    {"Training", "--sampling", "shuffle|balanced",
     "shuffle: every image once an epoch; balanced: every class as often as any other", set<&C::sampling>},
    {"Training", "--optimizer", "SPEC",
     "sgd, sgd:nesterov=true, adam, adamw, muon, muon:sgd_lr=0.5,... (docs/optimizers.md)",
     set<&C::optimizer>},
    {"Training", "--lr", "X", "Learning rate", set<&C::lr>},
    {"Training", "--momentum", "X", "Momentum of sgd, and of what muon leaves to it", set<&C::momentum>},
    {"Training", "--weight-decay", "X", "Weight decay, as PyTorch's optimizer of that name means it",
     set<&C::weight_decay>},
    {"Training", "--decay", "all|weights", "weights: no decay of biases and normalisation", set<&C::decay>},
    {"Training", "--groups", "LIST",
     "Factors of learning rate and decay for parameters by name, later ones win: fc*:lr=0.1,*.bias:decay=0",
     set<&C::groups>},
    {"Training", "--lookahead", "STEPS[:alpha=X]",
     "Slow weights that every so many steps go a part (0.5) of the way, and the optimizer on from there; "
     "none",
     set<&C::lookahead>},
    {"Training", "--ema", "DECAY",
     "Average of the weights over steps, such as 0.999, which is validated, tested and kept; 0: none",
     set<&C::ema>},
    {"Training", "--accumulate", "N", "Batches whose mean gradient makes a step of the optimizer",
     set<&C::accumulate>},
    {"Training", "--clip", "X", "Shorten gradients to this norm, all taken together; 0: leave them",
     set<&C::clip>},
    {"Training", "--schedule", "SPEC",
     "The learning rate's course. By epoch: constant; step:size=5,gamma=0.2; multistep:at=30|60,gamma=0.1; "
     "exponential:gamma=0.9. Over the run: linear; cosine:restarts=0,mult=1; polynomial:power=2; rex; "
     "wsd:decay=0.2,shape=linear|cosine|1-sqrt (these end at final=0); onecycle:warmup=0.3",
     set<&C::schedule>},
    {"Training", "--warmup", "LENGTH",
     "Straight ramp at the start, times whatever the schedule says: none; 0.05 (of the run); 5epochs; "
     "500steps; 5epochs:start=0.01 (its first factor)",
     set<&C::warmup>},
    {"Training", "--loss", "SUM",
     "ce, ce:smoothing=0.1, ce:weights=balanced, focal:gamma=2, ce + 0.0001*l2, ce + 0.01*l2sp, ce + 50*ewc, "
     "0.1*ce + 0.9*kd:T=4, ce + dkd:T=4 (docs/losses.md)",
     set<&C::loss>},
    {"Training", "--teacher", "RUN|FILE", "The network that kd and dkd learn from", set_path<&C::teacher>},
    {"Training", "--batch-norm", "ghost|sync", "Statistics of a shard, or of the whole batch as PyTorch",
     set<&C::batch_norm>},
    {"Training", "--shard", "N", "Images that one core takes at a time; 0: from the batch", set<&C::shard>},
    {"Training", "--seed", "N", "Initial weights, order, dropout and augmentation", set<&C::seed>},
    {"Machine", "--precision", "auto|bf16|fp32", "auto: bf16 where the processor has it", set<&C::precision>},
    {"Machine", "--threads", "N",
     "Worker threads, 0: all that the machine allows; a run by epochs comes to the same bits",
     set<&C::threads>},
};

}  // namespace

std::span<const TrainFlag> train_flags() { return all_flags; }

void give(GivenFlags& given, const std::string& flag, const std::string& value) {
  const auto found = std::ranges::find(all_flags, flag, &TrainFlag::flag);
  if (found == all_flags.end()) {
    std::vector<std::string> names;
    names.reserve(all_flags.size());
    for (const TrainFlag& known : all_flags) names.emplace_back(known.flag);
    throw usage_error("frugal train has no flag " + flag + did_you_mean(flag, names));
  }
  if (!found->takes_value() && value != "true" && value != "false") {
    throw usage_error(flag.substr(2) + " must be true or false");
  }
  if (found->takes_value() || value == "true") given[flag] = value;
}

void require_utf8(const std::string& flag, const std::string& text) {
  if (!is_utf8(text)) throw usage_error(flag + ": " + text + " is not UTF-8; rename it");
}

TrainConfig configure(const GivenFlags& given, const std::string& config_file) {
  const auto named = given.find("--recipe");
  TrainConfig config = recipe(named != given.end() ? named->second : "default");
  std::set<std::string> in_file;
  if (!config_file.empty()) {
    config.recipe.clear();  // set by the file, if it names one
    in_file = apply_toml_file(config, config_file);
    const std::string wanted = named != given.end() ? named->second : TrainConfig().recipe;
    if (config.recipe.empty()) config.recipe = wanted;
    if (named != given.end() && config.recipe != wanted) {
      throw usage_error("--recipe " + wanted + ": " + config_file + " builds on recipe " + config.recipe +
                        "; leave one of the two out");
    }
  }
  for (const TrainFlag& flag : all_flags) {
    if (const auto it = given.find(flag.flag); it != given.end()) flag.set(config, it->second, flag.flag);
  }
  if (parse_max_time(config.max_time) > 0 && given.count("--epochs") == 0 && in_file.count("epochs") == 0) {
    config.epochs = 0;  // time ends the run
  }
  for (const auto& [flag, text] : {std::pair{"--data", &config.data},
                                   {"--model", &config.model},
                                   {"--from", &config.from},
                                   {"--teacher", &config.teacher}}) {
    require_utf8(flag, *text);
  }
  validate(config);
  return config;
}

}  // namespace frugal

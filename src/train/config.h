// The resolved configuration of a run: every flag of `train` that changes what is computed, as TOML and back.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "nn/engine.h"

namespace frugal {

struct OptimizerOptions;

/// One field a flag, with the flag's name (dashes for underscores). The defaults are what every recipe
/// builds on.
struct TrainConfig {
  std::string data = "cifar100";
  std::string image_size = "auto";  // auto | 64 | 48x64 (height x width)
  bool skip_bad = false;
  std::string select = "all";  // classes, see data/selection.h
  std::string task = "all";    // images of these classes alone, the logits of the others masked
  double fraction = 1;         // of the training images
  bool coarse = false;
  double val = 0.1;
  std::string split = "random";  // or "stratified": of every class its part
  uint64_t split_seed = 0;
  std::string model = "smallnet";
  std::string from = "none";        // weights to begin with: a run or a file
  std::string freeze = "none";      // "*,!fc.*", see train/freeze.h
  std::string freeze_bn = "fixed";  // or "train": running statistics of frozen batch-norms adapt
  std::string recipe = "default";
  int64_t epochs = 30;                   // 0: until max_time is over
  std::string max_time = "none";         // of the whole command: none | 1h, see train/limits.h
  std::string validate_every = "auto";   // auto | a number of epochs
  int64_t patience = 0;                  // validations without a better one that end the run; 0: none do
  std::string on_divergence = "stop";    // stop | rollback:factor=0.5,times=3
  std::string checkpoint_every = "30s";  // 30s | 200steps | none
  int64_t batch = 128;
  std::string sampling = "shuffle";  // or "balanced": every class as often
  std::string optimizer = "sgd";     // spec: "sgd:nesterov=true", "adam", "adamw:beta1=0.9", "muon"
  double lr = 0.1;
  double momentum = 0.9;
  double weight_decay = 5e-4;
  std::string decay = "all";       // or "weights": not of biases and normalisation
  std::string groups = "none";     // "fc*:lr=0.1,decay=0", see train/groups.h
  std::string lookahead = "none";  // or "5:alpha=0.5"
  double ema = 0;                  // decay of the average of weights; 0: none
  int64_t accumulate = 1;          // batches a step of the optimizer
  double clip = 0;                 // of the gradients' norm; 0: none
  std::string schedule = "step:size=5,gamma=0.2";
  std::string warmup = "none";     // none | 0.05 (of the run) | 5epochs | 500steps, see train/warmup.h
  std::string loss = "ce";         // sum: "ce:smoothing=0.1 + 0.0001*l2"
  std::string teacher = "none";    // a run or a file, for losses that compare with its logits
  std::string augment = "none";    // "auto" is resolved before it is written, see choose_augment
  std::string resize = "none";     // sizes of training images by progress, see train/size_schedule.h
  std::string normalize = "auto";  // auto | none | given:mean=...,std=...
  std::string precision = "auto";  // auto | bf16 | fp32; resolved before it is written
  std::string replay = "none";     // progress.bin of the clock-driven run that this one repeats
  int threads = 0;                 // 0: what the machine allows; does not change the result
  int64_t shard = 0;               // 0 = auto; resolved before it is written
  std::string batch_norm = "ghost";
  uint64_t seed = 1;
};

/// The named recipe's settings. "default" is the best that was measured (docs/augmentation.md): one-cycle,
/// augmentation as the images allow. "seed" is the notebook's code: SmallNet, pixels in [0, 1] and nothing
/// else, SGD 0.1 / 0.9 / 5e-4, step:size=5,gamma=0.2, batch 128, 330 epochs, 10 % validation, sync
/// batch-norm. An unknown name is a usage error that lists the known ones.
TrainConfig recipe(const std::string& name);

/// TOML text that parses back to the same configuration, bit for bit.
std::string to_toml(const TrainConfig& config);

/// The same as the text of a JSON object.
std::string to_json(const TrainConfig& config);

/// "frugal train --lr 0.05 ...": the command that asks for this, with the flags that its recipe does not set
/// so already. The number of threads, which changes nothing, is left out.
std::string command_line(const TrainConfig& config);

/// Sets in `config` what the file sets; where it names a recipe, that recipe's settings come first. Unknown
/// keys, wrong types and syntax errors are usage errors with the file's name and line. A model file is looked
/// for from the directory of `path`. Returns the names of the settings that the file itself sets.
std::set<std::string> apply_toml_file(TrainConfig& config, const std::string& path);

/// What of it concerns the optimizer.
OptimizerOptions optimizer_options(const TrainConfig& config);

/// Ranges and spellings of every field; the first fault is a usage error that names the flag.
void validate(const TrainConfig& config);

}  // namespace frugal

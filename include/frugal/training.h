// Training from a program of one's own: the settings of `frugal train`, into the same run directory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "frugal/dataset.h"
#include "frugal/visible.h"

namespace frugal {

/// Means over images; NaN where nothing was measured.
struct Figures {
  double loss = 0, top1 = 0, top5 = 0;  // accuracies in [0, 1]
  int64_t images = 0;
};

struct EpochReport {
  int64_t epoch = 0;        // from 1
  int64_t epochs = 0;       // that there will be; 0 where only a clock ends the run
  double lr = 0;            // the learning rate of its last step
  Figures train;            // while the weights changed
  Figures val;              // of no images where the epoch was not validated
  double seconds_left = 0;  // about; NaN where it is not known
};

struct Training {
  /// Flags of `frugal train` without their dashes: {"model", "smallnet"}, {"max-time", "1h"}; switches are
  /// "true" or "false". `frugal train --help` has them all.
  std::map<std::string, std::string> settings = {};
  /// Images of the program's own, in place of the setting "data": `name`, `classes`, `train` and `test`.
  std::optional<Dataset> data = {};
  /// The run directory, which must not exist; empty: runs/<date>-<model>.
  std::filesystem::path out = {};
  /// Where TensorBoard's event files go, in a directory of the run's name; empty: nowhere.
  std::filesystem::path tensorboard = {};
  /// A network of more parameters is refused; 0: none is.
  int64_t max_params = 0;
  // Called on the calling thread.
  std::function<void(const EpochReport& epoch)> on_epoch = {};
  std::function<void(const std::string& text)> on_message = {};  // what the user should know of
};

struct TrainingReport {
  std::filesystem::path out;  // the run directory, which Classifier takes
  int64_t parameters = 0;
  int64_t epochs = 0, steps = 0;  // complete epochs, and steps in all
  int64_t best_epoch = 0;         // by validation; 0 where there is none
  Figures val, test;              // of the best epoch, and of the weights that the run hands over
  double seconds = 0;             // from the call to the result
  bool interrupted = false;       // by request_stop: everything is saved, resume_training goes on
};

/// Trains, validates, tests once at the end, writes a run directory. A limit of time ("max-time") counts from
/// the call. Whatever is wrong is an Error, whose code tells wrong settings (usage) from limits that refuse
/// (limit) from the rest. One training at a time in a process.
FRUGAL_VISIBLE TrainingReport train(Training training);

/// Goes on with a run that was stopped, to the bits that it would have had. Of `training` it takes `data`,
/// for a run that had images of the program's own, the setting "threads", `tensorboard` and what is called;
/// the rest is the run's.
FRUGAL_VISIBLE TrainingReport resume_training(const std::filesystem::path& run, Training training = {});

/// Has the training in progress finish its step, save everything and return. May be called from another
/// thread, and from a signal's handler.
FRUGAL_VISIBLE void request_stop() noexcept;

}  // namespace frugal

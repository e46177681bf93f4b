// A trained network and the images that it is to be judged by, as `eval` and `report` take them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "eval/loaded_model.h"
#include "train/trainer.h"

namespace frugal {

/// Which processor's means it is judged with.
struct JudgedFlags {
  std::string precision;  // empty: the run's
  int threads = 0;
};

/// A network with the engine that its run would have judged it by.
struct Judged {
  ModelFiles files;
  std::optional<TrainConfig> config;
  EngineOptions engine;
  LoadedModel model;
};

/// Of a run's directory or a weights file.
Judged load_judged(const std::string& run_or_file, const JudgedFlags& flags);

/// The data set `asked` for (the run's, if it is empty) with the selection of the run and the classes that
/// the network knows; one that does not fit is a usage error.
Dataset load_judged_data(const Judged& judged, const std::string& asked, bool skip_bad, bool bar);

/// Whether these are the images that the network was trained with, of which its configuration tells which
/// were held out.
bool is_trained_data(const Judged& judged, const Dataset& data);

/// Throws a usage error where the network cannot judge these images; its text begins with `what`.
void check_data_fits(const Dataset& data, const CheckpointInfo& info, const std::string& what);

/// Images of a data set, with the labels and the loss that they are judged by.
struct JudgedImages {
  const ImageSet& set;
  std::vector<int32_t> ids, labels;
  Loss loss;
  std::vector<int32_t> task;  // the classes that can be guessed; empty: all

  /// `split` is test, val or train; the last two need a configuration, which says what was held out.
  /// `unmasked`: all classes can be guessed, whatever task the configuration names. `flag` is what asked for
  /// these images, where that is not --split.
  JudgedImages(const Dataset& data, const std::string& split, const std::optional<TrainConfig>& config,
               bool unmasked, const std::string& flag = "");

  Metrics measure(Judged& judged, TestTime test_time, std::span<float> logits) const;
  /// Logits [ids, classes] as the network gives them, and the figures that they come to; logits that are not
  /// finite are an Error.
  Metrics measure(Judged& judged, std::vector<float>& logits) const;
  /// Logits of classes that cannot be guessed become -inf.
  void mask(std::vector<float>& logits, int64_t classes) const;
};

}  // namespace frugal

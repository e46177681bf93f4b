// A trained network brought back from disk: from a run directory or from a weights file alone.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "graph/graph.h"
#include "nn/engine.h"
#include "train/checkpoint.h"
#include "train/config.h"

namespace frugal {

/// Which files a user means by RUN or FILE.
struct ModelFiles {
  std::filesystem::path weights;
  std::filesystem::path config;  // of the run that the weights belong to; empty: none
};

/// A run directory: best.safetensors, else last.safetensors. A file: itself, and the config.toml beside it
/// where there is one. What is missing is an error that says what was looked for.
ModelFiles find_model(const std::filesystem::path& run_or_file);

struct LoadedModel {
  ModelFiles files;
  CheckpointInfo info;
  Graph graph;
  std::optional<TrainConfig> config;
  std::unique_ptr<Engine> engine;
};

/// Reads the description, builds the graph and an engine for it, and loads the weights. The description is
/// checked against the file's size before memory is taken for what it claims.
LoadedModel load_model(const ModelFiles& files, const EngineOptions& options);

/// The run's configuration, if the files have one.
std::optional<TrainConfig> load_config(const ModelFiles& files);

}  // namespace frugal

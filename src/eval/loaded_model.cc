#include "eval/loaded_model.h"

#include <system_error>
#include <utility>

#include "base/error.h"
#include "graph/presets.h"
#include "train/history.h"

namespace frugal {
namespace fs = std::filesystem;
namespace {

/// A description that asks for more numbers than its file can hold is wrong, and would fill memory.
void check_description(const CheckpointInfo& info, const fs::path& path) {
  constexpr int64_t most = 16384;
  for (int64_t extent : {info.input.h, info.input.w, info.input.c}) {
    if (extent < 1 || extent > most) {
      throw Error(path.string() + ": it claims images of " + std::to_string(info.input.c) + " x " +
                  std::to_string(info.input.h) + " x " + std::to_string(info.input.w) +
                  "; the file is damaged");
    }
  }
  const auto channels = static_cast<size_t>(info.input.c);
  if (info.normalization.mean.size() != channels || info.normalization.std.size() != channels) {
    throw Error(path.string() + ": its normalisation does not have a value for each of the " +
                std::to_string(channels) + " channels; the file is damaged");
  }
}

void check_size(const Graph& graph, const fs::path& path) {
  double numbers = 0;  // in double: a hostile width overflows integers
  for (const ParameterSpec& parameter : graph.parameters) {
    double product = 1;
    for (int64_t extent : parameter.shape) product *= static_cast<double>(extent);
    numbers += product;
  }
  std::error_code failure;
  const auto bytes = static_cast<double>(fs::file_size(path, failure));
  if (failure) throw Error(path.string() + ": " + failure.message());
  if (numbers * sizeof(float) > bytes) {
    throw Error(path.string() + ": the file is too short for the parameters of its model, " + graph.model);
  }
}

}  // namespace

ModelFiles find_model(const fs::path& run_or_file) {
  std::error_code failure;
  const fs::file_status status = fs::status(run_or_file, failure);
  if (!fs::exists(status)) {
    throw Error(run_or_file.string() + ": no such run directory or weights file" +
                (failure && failure != std::errc::no_such_file_or_directory ? " (" + failure.message() + ")"
                                                                            : std::string()));
  }
  ModelFiles files;
  const bool directory = fs::is_directory(status);
  const fs::path home = directory ? run_or_file : run_or_file.parent_path();
  if (directory) {
    files.weights = run_weights(run_or_file);
    if (files.weights.empty()) {
      throw Error(run_or_file.string() +
                  ": neither best.safetensors nor last.safetensors in it; is it a run directory of frugal?");
    }
  } else {
    files.weights = run_or_file;
  }
  if (fs::exists(home / "config.toml", failure)) files.config = home / "config.toml";
  return files;
}

std::optional<TrainConfig> load_config(const ModelFiles& files) {
  if (files.config.empty()) return std::nullopt;
  TrainConfig config;
  apply_toml_file(config, files.config.string());
  return config;
}

LoadedModel load_model(const ModelFiles& files, const EngineOptions& options) {
  LoadedModel model;
  model.files = files;
  model.info = read_checkpoint_info(files.weights);
  check_description(model.info, files.weights);
  model.graph = remake_model(model.info.model, model.info.model_file, model.info.input,
                             static_cast<int64_t>(model.info.classes.size()));
  check_size(model.graph, files.weights);
  model.engine = make_shard_engine(model.graph, options);
  load_checkpoint(files.weights, model.engine->parameters());
  model.engine->weights_changed();
  return model;
}

}  // namespace frugal

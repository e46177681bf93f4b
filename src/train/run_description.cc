#include "train/run_description.h"

#include "graph/model_file.h"

namespace frugal {

TrainConfig written_config(TrainConfig config, const Graph& graph) {
  if (graph.model_file.empty()) return config;
  const std::string options = split_model_file(config.model).options;
  config.model = std::string("model.toml") + (options.empty() ? "" : ":" + options);
  return config;
}

CheckpointInfo checkpoint_info(const Graph& graph, const TrainConfig& config, const Dataset& data,
                               const Normalization& normalization) {
  CheckpointInfo info;
  info.frugal_version = FRUGAL_VERSION;
  info.model = config.model;
  info.model_file = graph.model_file;
  info.input = graph.input;
  info.classes = data.classes;
  info.normalization = normalization;
  info.data = data.name;
  return info;
}

}  // namespace frugal

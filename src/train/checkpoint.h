// Weights on disk: safetensors with PyTorch's names and shapes, self-describing enough for `predict` to need
// no more.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/safetensors.h"
#include "data/dataset.h"
#include "graph/graph.h"
#include "nn/parameters.h"
#include "train/ema.h"

namespace frugal {

inline constexpr int checkpoint_format_version = 1;

/// What a weights file says of itself beside its tensors (kept in the safetensors metadata).
struct CheckpointInfo {
  int format_version = checkpoint_format_version;
  std::string frugal_version;
  std::string model;       // spec of remake_model
  std::string model_file;  // its text, where the model is a file
  Shape input;
  std::vector<std::string> classes;
  Normalization normalization;
  std::string data;                          // name of the data set that it was trained on
  std::map<std::string, std::string> extra;  // epoch, step, accuracies, ...
};

/// Weights and buffers, with `optimizer` also every optimizer state ("optimizer.0.conv1.weight", ...), and
/// with `average` its weights and buffers ("ema.conv1.weight", ...).
void save_checkpoint(const std::filesystem::path& path, const CheckpointInfo& info,
                     const Parameters& parameters, bool optimizer, const Ema* average = nullptr);

/// Weights and buffers as PyTorch's state_dict has them, counters of batch-norms included; they stay where
/// they are, in `parameters`.
std::vector<TensorRecord> state_dict(const Parameters& parameters);

/// The description alone; enough to build the graph with remake_model. Refuses newer format versions by name,
/// and files that no frugal wrote.
CheckpointInfo read_checkpoint_info(const std::filesystem::path& path);

/// Fills `parameters` from the file. A missing, unexpected or wrongly shaped tensor is an error that names it
/// and both shapes, and nothing is changed. Optimizer states are passed over unless `optimizer` asks for
/// them; then the file must hold all that `parameters` has; so with `average`. Files from elsewhere load when
/// their tensors fit.
void load_checkpoint(const std::filesystem::path& path, Parameters& parameters, bool optimizer = false,
                     Ema* average = nullptr);

}  // namespace frugal

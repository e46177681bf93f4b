// The flags of `train` that set a field of the configuration: each declared once, with its name, its help and
// how its text becomes the field's value.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "train/config.h"

namespace frugal {

/// Values of flags as they were given, by flag ("--lr"); what was not given is absent.
using GivenFlags = std::map<std::string, std::string>;

/// Adds the flags to `command`, those that `wanted` agrees to (all, if it is null); parsing fills `given`,
/// which must live as long.
void add_train_flags(CLI::App& command, GivenFlags& given, bool (*wanted)(const std::string& flag) = nullptr);

struct TrainFlagName {
  std::string name;  // "--lr"
  bool takes_value;
};
/// All of them.
std::vector<TrainFlagName> train_flag_names();

/// The configuration that a command line asks for: the recipe's settings, changed by those of the --config
/// file (unless `config_file` is empty), changed by the flags given. Validated.
TrainConfig configure(const GivenFlags& given, const std::string& config_file);

}  // namespace frugal

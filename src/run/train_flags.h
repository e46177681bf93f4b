// The settings of a run by the names that people give them, the flags of `train`: each declared once, with
// its help and how its text becomes a field of the configuration.
#pragma once

#include <map>
#include <span>
#include <string>

#include "train/config.h"

namespace frugal {

struct TrainFlag {
  const char* group;  // in --help
  const char* flag;   // "--lr"
  const char* type;   // "X", in --help; empty: a switch
  const char* help;
  void (*set)(TrainConfig& config, const std::string& text, const std::string& flag);

  bool takes_value() const { return *type != '\0'; }
};

/// All of them.
std::span<const TrainFlag> train_flags();

/// For --help: what may stand behind --data.
inline constexpr const char* known_data =
    "cifar10, cifar100, cifar100-mini, mnist, fashion-mnist, or a directory: one of these, or a folder of "
    "JPEG and PNG "
    "pictures (DIR/train/CLASS/... with or without DIR/test, or DIR/CLASS/...)";

/// Values of flags as they were given, by flag ("--lr"); what was not given is absent.
using GivenFlags = std::map<std::string, std::string>;

/// Notes that `flag` ("--lr") was given `value`; a switch ("--coarse") takes true and false. A flag that
/// `train` does not have is a usage error.
void give(GivenFlags& given, const std::string& flag, const std::string& value);

/// Throws a usage error that begins with `flag` where `text` is not UTF-8: a run keeps its settings in files
/// of UTF-8, which it would not find its way back from.
void require_utf8(const std::string& flag, const std::string& text);

/// The configuration that a command line asks for: the recipe's settings, changed by those of the --config
/// file (unless `config_file` is empty), changed by the flags given. Validated.
TrainConfig configure(const GivenFlags& given, const std::string& config_file);

}  // namespace frugal

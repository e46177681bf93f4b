// The commands and their flags as data, for whatever tells of them: shell completions, man pages.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace frugal {

struct FlagInfo {
  std::vector<std::string> names;  // "-h", "--help"; of a positional argument its name alone
  std::string type;                // "FILE", "bf16|fp32"; empty: it takes no value
  std::string help, group;
  std::vector<std::string> values;  // that can be given, where they can be listed
  bool takes_file = false;          // or a directory
  bool positional = false, required = false, several = false;
};

struct CommandInfo {
  std::string name, description, footer;
  std::vector<FlagInfo> flags;
};

/// The commands in the order of --help, without those that are hidden.
std::vector<CommandInfo> command_tree(const CLI::App& program);

std::vector<std::string> names_of(const std::vector<CommandInfo>& commands);

/// The same of one application alone: the program itself, or a command.
CommandInfo describe_command(const CLI::App& app);

}  // namespace frugal

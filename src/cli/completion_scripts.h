// What shells are told so that Tab completes commands, flags and their values.
#pragma once

#include <string>
#include <vector>

#include "cli/command_tree.h"

namespace frugal {

std::string bash_completion(const std::vector<CommandInfo>& commands);
std::string zsh_completion(const std::vector<CommandInfo>& commands);
std::string fish_completion(const std::vector<CommandInfo>& commands);

}  // namespace frugal

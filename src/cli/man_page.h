// Manual pages, from what --help says.
#pragma once

#include <string>
#include <vector>

#include "cli/command_tree.h"

namespace frugal {

/// frugal(1): what the program is, and its commands. `program` describes the application itself.
std::string man_page(const CommandInfo& program, const std::vector<CommandInfo>& commands);

/// frugal-COMMAND(1).
std::string man_page(const CommandInfo& command);

}  // namespace frugal

// How much of --from's file fitted the network, as it is told.
#pragma once

#include <string>

#include "cli/output.h"
#include "run/from_file.h"

namespace frugal {

/// How much fitted, and a table of what did not fit by name: lines of text.
std::string matching_text(const InitialWeights& from);
Json matching_json(const InitialWeights& from);

}  // namespace frugal

// What to say about a command line that does not parse: the word that was not understood and the nearest
// known one.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace frugal {

/// The message for a parse error of `program`, without newline.
std::string explain(const CLI::App& program, const CLI::ParseError& error);

}  // namespace frugal

// What to say about a command line that does not parse: the word that was not understood and the nearest
// known one.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace frugal {

/// The message for a parse error of `program`, without newline.
std::string explain(const CLI::App& program, const CLI::ParseError& error);

/// The candidate at the smallest edit distance from `word`, if that is at most about a third of its length;
/// else
/// "".
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace frugal

// What to say about a command line that does not parse: the word that was not understood and the nearest
// known one.
#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>

namespace frugal {

/// From now on an empty value is an error: an unset variable of a shell must not take a limit away without a
/// word. `words` are those of the command line, without the program's name.
void require_values(CLI::App& program, std::span<char* const> words);

/// The message for a parse error of `program`, without newline.
std::string explain(const CLI::App& program, const CLI::ParseError& error);

}  // namespace frugal

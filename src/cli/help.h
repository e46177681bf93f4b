// How --help is laid out.
#pragma once

#include <CLI/CLI.hpp>

namespace frugal {

/// Descriptions are broken into lines that fit the terminal, for the program and all of its commands; 100
/// columns where there is no terminal. Call it when all commands have been added.
void wrap_help(CLI::App& program);

}  // namespace frugal

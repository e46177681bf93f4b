// Reads TOML, for people's own files and for those of strangers.
#pragma once

#include <toml++/toml.h>

#include <cstddef>
#include <string>

#include "base/error.h"

namespace frugal {

/// "net.toml:12: what", a usage error.
Error toml_error(const std::string& path, size_t line, const std::string& what);

/// The table in `text`, which errors (usage errors) call `path`, with the line. Unlike toml::parse, which
/// bounds how deep values lie within one another but not keys, it ends for every text: toml++ 3.3 goes down a
/// step of the stack for every part of a dotted key.
toml::table parse_toml(const std::string& text, const std::string& path);

}  // namespace frugal

// Whether text is UTF-8, in which files, JSON and TOML keep it.
#pragma once

#include <string_view>

namespace frugal {

/// As the Unicode Standard defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

/// Whether `c`, of text in UTF-8, begins a character.
inline bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

}  // namespace frugal

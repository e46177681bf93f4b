// Small helpers for text that people write: trimming, splitting, and quoting it in error messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace frugal {

/// Without spaces, tabs and line ends at both ends.
std::string_view trim(std::string_view text);

/// The pieces between separators, untrimmed; always at least one.
std::vector<std::string_view> split(std::string_view text, char separator);

/// "a, b, c".
std::string join(const std::vector<std::string>& items, std::string_view separator = ", ");

/// Whether the whole text fits the pattern, in which `*` stands for any characters, none too, and `?` for
/// one.
bool matches_glob(std::string_view pattern, std::string_view text);

/// 'text' for a message: cut to a readable length, control characters replaced, so that a hostile file or
/// argument cannot write to the terminal through an error.
std::string in_quotes(std::string_view text);

/// As XML and HTML take it: markup escaped, '?' for control characters, and for each byte above ASCII where
/// the text is not UTF-8.
std::string xml_text(std::string_view text);

/// As a field of a CSV file (RFC 4180): in quotes where it has to be.
std::string csv_text(std::string_view text);

}  // namespace frugal

#include "base/toml.h"

#include <algorithm>
#include <string_view>

namespace frugal {
namespace {

// Of one key; values, of which toml++ allows 256 within one another, have a key each.
constexpr int most_parts = 16;

/// Where the string or the comment that begins at `at` ends: behind its last character.
size_t behind_quoted(std::string_view text, size_t at) {
  const char quote = text[at];
  if (quote == '#') return std::min(text.find('\n', at), text.size());
  const std::string three(3, quote);
  const bool lines = text.substr(at, 3) == three;
  for (size_t i = at + (lines ? 3 : 1); i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (lines && text.substr(i, 3) == three) {
      const size_t end = i + 3;
      return std::min(text.find_first_not_of(quote, end),
                      std::min(end + 2, text.size()));  // two may belong to it
    } else if (!lines && (text[i] == quote || text[i] == '\n')) {
      return i + 1;
    }
  }
  return text.size();
}

/// Dots in a row, with nothing between them but parts of a key: quoted ones, too.
void check_keys(std::string_view text, const std::string& path) {
  int dots = 0;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"' || c == '\'' || c == '#') {
      at = behind_quoted(text, at);
      continue;
    }
    if (c == '=' || c == ',' || c == '\n' || c == '[' || c == '{') dots = 0;
    if (c == '.' && ++dots >= most_parts) {
      const auto line = std::ranges::count(text.substr(0, at), '\n') + 1;
      throw toml_error(path, static_cast<size_t>(line),
                       "a key has more than " + std::to_string(most_parts) + " parts");
    }
    ++at;
  }
}

}  // namespace

Error toml_error(const std::string& path, size_t line, const std::string& what) {
  return usage_error(path + ":" + std::to_string(line) + ": " + what);
}

toml::table parse_toml(const std::string& text, const std::string& path) {
  check_keys(text, path);
  try {
    return toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    throw toml_error(path, error.source().begin.line, std::string(error.description()));
  }
}

}  // namespace frugal

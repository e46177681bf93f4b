#include "base/text.h"

#include <algorithm>

#include "base/utf8.h"

namespace frugal {

std::string_view trim(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const size_t first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  size_t begin = 0;
  for (size_t end = text.find(separator); end != std::string_view::npos; end = text.find(separator, begin)) {
    pieces.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  pieces.push_back(text.substr(begin));
  return pieces;
}

std::string join(const std::vector<std::string>& items, std::string_view separator) {
  std::string text;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) text += separator;
    text += items[i];
  }
  return text;
}

bool matches_glob(std::string_view pattern, std::string_view text) {
  // Where the last star stands, and where in the text what follows it was last tried: only the last star ever
  // needs to take in more.
  size_t p = 0, t = 0, star = std::string_view::npos, tried = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++, tried = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1, t = ++tried;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::string in_quotes(std::string_view text) {
  constexpr size_t longest = 80;
  std::string result = "'";
  size_t shown = std::min(text.size(), longest);
  // Not within a character of UTF-8.
  while (shown < text.size() && shown > longest - 4 && !begins_character(text[shown])) --shown;
  for (char c : text.substr(0, shown)) {
    const auto byte = static_cast<unsigned char>(c);
    result += byte < 0x20 || byte == 0x7F ? '?' : c;
  }
  result += text.size() > longest ? "...'" : "'";
  return result;
}

std::string xml_text(std::string_view text) {
  const bool beyond_ascii = is_utf8(text);
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else {
      const auto byte = static_cast<unsigned char>(c);
      const bool shown = byte >= 0x80 ? beyond_ascii : (byte >= 0x20 && byte < 0x7F) || c == '\n';
      out += shown ? c : '?';
    }
  }
  return out;
}

std::string csv_text(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

}  // namespace frugal

#include "base/columns.h"

#include <algorithm>

namespace frugal {
namespace {

/// Characters of UTF-8: bytes that do not go on with one.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string align_columns(const std::vector<std::vector<std::string>>& rows, size_t text_columns) {
  std::vector<size_t> width(rows.empty() ? 0 : rows[0].size());
  for (const auto& row : rows) {
    for (size_t i = 0; i < width.size(); ++i) width[i] = std::max(width[i], width_of(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i < width.size(); ++i) {
      const std::string padding(width[i] - width_of(row[i]), ' ');
      if (i > 0) text += "  ";
      text += i < text_columns ? row[i] + padding : padding + row[i];
    }
    while (text.ends_with(' ')) text.pop_back();
    text += '\n';
  }
  return text;
}

}  // namespace frugal

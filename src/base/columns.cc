#include "base/columns.h"

#include <algorithm>
#include <numeric>
#include <sstream>

#include "base/utf8.h"

namespace frugal {
namespace {

constexpr size_t gap = 2, least_text = 12;

size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::ranges::count_if(text, begins_character));
}

/// The first `count` characters, or the last.
std::string first_characters(const std::string& text, size_t count) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if (begins_character(text[at]) && count-- == 0) break;
  }
  return text.substr(0, at);
}
std::string last_characters(const std::string& text, size_t count) {
  size_t at = text.size();
  while (at > 0 && count > 0) {
    if (begins_character(text[--at])) --count;
  }
  return text.substr(at);
}

std::string shortened(const std::string& text, size_t width) {
  if (width_of(text) <= width) return text;
  const size_t head = (width - 2) / 2;
  return first_characters(text, head) + ".." + last_characters(text, width - 2 - head);
}

/// Takes from the widest of the first columns, a character at a time, until lines fit or nothing can go.
void narrow(std::vector<size_t>& columns, size_t text_columns, size_t width) {
  const auto line = [&] {
    return std::accumulate(columns.begin(), columns.end(), size_t{0}) + gap * (columns.size() - 1);
  };
  while (line() > width) {
    const auto widest = std::max_element(columns.begin(), columns.begin() + static_cast<long>(text_columns));
    if (*widest <= least_text) return;
    --*widest;
  }
}

}  // namespace

std::string align_columns(const std::vector<std::vector<std::string>>& rows, size_t text_columns,
                          size_t width) {
  std::vector<size_t> columns(rows.empty() ? 0 : rows[0].size());
  for (const auto& row : rows) {
    for (size_t i = 0; i < columns.size(); ++i) columns[i] = std::max(columns[i], width_of(row[i]));
  }
  if (width > 0 && !columns.empty()) narrow(columns, std::min(text_columns, columns.size()), width);
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i < columns.size(); ++i) {
      const std::string cell = i < text_columns ? shortened(row[i], columns[i]) : row[i];
      const std::string padding(columns[i] - width_of(cell), ' ');
      if (i > 0) text += std::string(gap, ' ');
      text += i < text_columns ? cell + padding : padding + cell;
    }
    while (text.ends_with(' ')) text.pop_back();
    text += '\n';
  }
  return text;
}

size_t widest_line(const std::string& text) {
  size_t widest = 0, line = 0;
  for (const char c : text) {
    line = c == '\n' ? 0 : line + (begins_character(c) ? 1 : 0);
    widest = std::max(widest, line);
  }
  return widest;
}

std::string wrapped(const std::string& text, size_t width) {
  if (width == 0) return text;
  std::istringstream words(text);
  std::string out;
  size_t used = 0;
  for (std::string word; words >> word;) {
    const size_t taken = width_of(word);
    const bool fits = used + 1 + taken <= width;
    if (!out.empty()) out += fits ? ' ' : '\n';
    used = out.empty() || !fits ? taken : used + 1 + taken;
    out += word;
  }
  return out;
}

}  // namespace frugal

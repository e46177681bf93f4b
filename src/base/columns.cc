#include "base/columns.h"

#include <algorithm>

namespace frugal {

std::string align_columns(const std::vector<std::vector<std::string>>& rows, size_t text_columns) {
  std::vector<size_t> width(rows.empty() ? 0 : rows[0].size());
  for (const auto& row : rows) {
    for (size_t i = 0; i < width.size(); ++i) width[i] = std::max(width[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i < width.size(); ++i) {
      const std::string padding(width[i] - row[i].size(), ' ');
      if (i > 0) text += "  ";
      text += i < text_columns ? row[i] + padding : padding + row[i];
    }
    while (text.ends_with(' ')) text.pop_back();
    text += '\n';
  }
  return text;
}

}  // namespace frugal

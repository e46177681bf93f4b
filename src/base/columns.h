// Tables of text in aligned columns.
#pragma once

#include <string>
#include <vector>

namespace frugal {

/// A line a row: the first `text_columns` columns left, the others (numbers) right, two spaces between. Every
/// row has as many cells as the first.
std::string align_columns(const std::vector<std::vector<std::string>>& rows, size_t text_columns);

}  // namespace frugal

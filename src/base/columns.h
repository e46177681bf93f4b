// Text for a terminal of some width: tables in aligned columns, and paragraphs.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace frugal {

/// A line a row: the first `text_columns` columns left, the others (numbers) right, two spaces between. Every
/// row has as many cells as the first. Where lines would be longer than `width` (0: they may), texts of the
/// widest columns of text lose their middle, as far as twelve characters; numbers stay as they are.
std::string align_columns(const std::vector<std::vector<std::string>>& rows, size_t text_columns,
                          size_t width = 0);

/// Characters of the longest line.
size_t widest_line(const std::string& text);

/// Broken between words, so that no line is longer than `width` (0: any) unless a word is.
std::string wrapped(const std::string& text, size_t width);

}  // namespace frugal

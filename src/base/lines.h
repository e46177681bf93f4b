// Files that list something, an item a line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace frugal {

/// The lines of `text` without blanks at their ends; empty ones are left out.
std::vector<std::string> nonempty_lines(std::string_view text);

}  // namespace frugal

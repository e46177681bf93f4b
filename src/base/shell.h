// Words as a shell reads them.
#pragma once

#include <string>
#include <vector>

namespace frugal {

/// In single quotes: one word, whatever is in it.
std::string shell_quoted(const std::string& word);

/// The words as one would type them: in quotes only where they have to be.
std::string shell_line(const std::vector<std::string>& words);

}  // namespace frugal

#include "base/lines.h"

#include "base/text.h"

namespace frugal {

std::vector<std::string> nonempty_lines(std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string_view line : split(text, '\n')) {
    if (!trim(line).empty()) lines.emplace_back(trim(line));
  }
  return lines;
}

}  // namespace frugal

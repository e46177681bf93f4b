// The known word that a mistyped one probably meant, for error messages.
#pragma once

#include <string>
#include <vector>

namespace frugal {

/// The candidate at the smallest edit distance from `word`, if that is at most about a third of its length;
/// else "".
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

/// "; did you mean NAME?" with the nearest candidate, or "" when none is near.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace frugal

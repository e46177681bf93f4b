// Which random changes are made to training images: a short list, written as users write it ("flip,crop:4").
#pragma once

#include <string>
#include <vector>

namespace frugal {

enum class AugmentKind { flip, crop };

struct Augment {
  AugmentKind kind = AugmentKind::flip;
  int padding = 0;  // crop: zero pixels around the image before it is cut back to its size at a random place
};

/// "none" or "" gives an empty list. Unknown names and bad numbers are usage errors that list what is known.
std::vector<Augment> parse_augment(const std::string& text);
std::string to_string(const std::vector<Augment>& augment);

}  // namespace frugal

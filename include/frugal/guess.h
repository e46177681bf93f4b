// A class that a network holds likely.
#pragma once

#include <cstdint>

namespace frugal {

struct Guess {
  int32_t label = 0;
  double probability = 0;
};

}  // namespace frugal

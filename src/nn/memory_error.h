// What an engine says where memory does not do.
#pragma once

#include "base/error.h"

namespace frugal {

/// What is asked for does not fit into the memory that is free.
struct MemoryError : Error {
  using Error::Error;
};

}  // namespace frugal

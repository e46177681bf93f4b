// How the commands tell of reading data sets: in the same words, with a bar where it takes time.
#pragma once

#include "data/load_options.h"

namespace frugal {

/// Warnings go to stderr; so does a bar, if `bar` and where that is a terminal. Decoded pictures are kept in
/// ~/.cache/frugal.
LoadOptions loading(bool bar);

}  // namespace frugal

// How the commands read data sets: what a user may ask for, told of in the same words, with a bar where
// reading takes time.
#pragma once

#include <string>

#include "data/load_options.h"
#include "train/config.h"

namespace frugal {

/// Warnings go to stderr; so does a bar, if `bar` and where that is a terminal. Decoded pictures are kept in
/// ~/.cache/frugal. `image_size` is the text of --image-size.
LoadOptions loading(const std::string& image_size, bool skip_bad, bool bar);
/// As the configuration says it.
LoadOptions loading(const TrainConfig& config, bool bar);

}  // namespace frugal

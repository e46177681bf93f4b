// How the commands read data sets: what a user may ask for, told of in the same words, with a bar where
// reading takes time.
#pragma once

#include <string>

#include "data/dataset.h"
#include "data/load_options.h"
#include "train/config.h"

namespace frugal {

/// For --help: what may stand behind --data.
inline constexpr const char* known_data =
    "cifar10, cifar100, cifar100-mini, mnist, fashion-mnist, or a directory: one of these, or a folder of "
    "JPEG "
    "and PNG pictures (DIR/train/CLASS/... with or without DIR/test, or DIR/CLASS/...)";

/// Warnings go to stderr; so does a bar, if `bar` and where that is a terminal. Decoded pictures are kept in
/// ~/.cache/frugal. `image_size` is the text of --image-size.
LoadOptions loading(const std::string& image_size, bool skip_bad, bool bar);
/// As the configuration says it.
LoadOptions loading(const TrainConfig& config, bool bar);

/// What a run of `config` would train on: read, then selected from. A precision that this machine lacks is
/// refused before anything is read.
Dataset load_training_data(const TrainConfig& config, const LoadOptions& how);

}  // namespace frugal

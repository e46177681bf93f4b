// What is asked of a data set, wherever its images come from.
#pragma once

#include <string>

#include "data/load_options.h"
#include "frugal/dataset.h"

namespace frugal {

/// XXH3-128 of all pixels and labels, hexadecimal.
std::string dataset_fingerprint(const Dataset& dataset);

/// Warns of what will train, though hardly what was meant.
void warn_of_dataset(const Dataset& dataset, const LoadOptions& options);

/// Holds images that a program brings to what the readers of files promise: sizes that agree, a class for
/// each label, images in both splits. The first fault is a usage error.
void check_own_dataset(const Dataset& dataset);

}  // namespace frugal

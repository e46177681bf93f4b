// Data sets as they are read, and what normalises them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "data/load_options.h"
#include "frugal/dataset.h"

namespace frugal {

/// What is subtracted and divided by after pixels are scaled to [0, 1]; {0}, {1} is "none".
struct Normalization {
  std::vector<float> mean, std;  // [C]
};

/// Reads a named data set ("cifar10", "cifar100", "cifar100-mini", "mnist", "fashion-mnist") or a directory:
/// CIFAR's binary layout, IDX files, or a folder of pictures (folder.h). Names are looked for in
/// $FRUGAL_DATA/NAME, ~/.cache/frugal/NAME, the installed share/frugal, the source tree's data/, and where
/// Debian's package puts them. Errors name the file and what is wrong with it, or every place that was
/// searched.
Dataset load_dataset(const std::string& name_or_path, const LoadOptions& options = {});

/// How many images each class has.
std::vector<int64_t> class_counts(const ImageSet& images, size_t classes);

/// Mean and standard deviation of the images by channel, of values in [0, 1] (population, in double, exact
/// sums).
Normalization measure_normalization(const ImageSet& images);

/// `--normalize`: "auto" (measured), "none", or "given:mean=0.5|0.5|0.5,std=0.2|0.2|0.2" (a value for every
/// channel, or one for all). Anything else is a usage error; so is another number of channels.
Normalization choose_normalization(const std::string& text, const ImageSet& images);
/// Throws where the text is none of these.
void check_normalize(const std::string& text);

/// Mean 0 and deviation 1 for every channel.
Normalization no_normalization(int64_t channels);

}  // namespace frugal

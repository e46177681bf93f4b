// Decoded pictures on disk, so that a folder's second start is instant: a safetensors file a data set, named
// by what went into it. It is written atomically and carries a checksum; nothing in it is believed without.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace frugal {

/// What decoding a folder yields.
struct DecodedPictures {
  ImageSet train, test;
  std::vector<std::string> skipped;  // broken pictures that were left out, with the reasons
};

/// Where the pictures of this key are kept below the root of the cache.
std::filesystem::path decoded_file(const std::filesystem::path& cache_root, const std::string& key);

/// Everything in the file is checked: kind, key, checksum, the images' size, that there are as many labels,
/// and that they are below `classes`. Anything wrong is an error that names the file.
DecodedPictures read_decoded(const std::filesystem::path& file, const std::string& key, ImageSize size,
                             int64_t classes);

/// Also removes what nobody has read for thirty days.
void write_decoded(const std::filesystem::path& file, const std::string& key,
                   const DecodedPictures& pictures);

}  // namespace frugal

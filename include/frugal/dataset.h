// Images and labels in memory: one block of uint8 NHWC for training, one for testing, and the names of the
// classes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "frugal/image.h"

namespace frugal {

/// `count` images of the same size, dense [N, H, W, C] uint8, with a fine label each and perhaps a coarse
/// one.
struct ImageSet {
  int64_t count = 0;
  int64_t height = 0, width = 0, channels = 0;
  std::vector<uint8_t> pixels;
  std::vector<int32_t> labels;
  std::vector<int32_t> coarse_labels;  // empty where the data set has none
  int64_t image_bytes() const { return height * width * channels; }
  const uint8_t* image(int64_t i) const { return pixels.data() + i * image_bytes(); }
  /// A copy of image i.
  Image picture(int64_t i) const { return {height, width, channels, {image(i), image(i + 1)}}; }
};

struct Dataset {
  std::string name;            // "cifar100", or the path that it was read from
  std::filesystem::path path;  // where it was found
  std::vector<std::string> classes, coarse_classes;
  ImageSet train, test;
  std::string fingerprint;  // XXH3-128 of all pixels and labels, hexadecimal
};

}  // namespace frugal

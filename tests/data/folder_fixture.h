// Small folders of pictures for tests to read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/image_file.h"
#include "data/load_options.h"
#include "fixtures.h"
#include "pictures.h"

namespace frugal {

inline void put_file(const std::filesystem::path& path, const Bytes& bytes) {
  std::filesystem::create_directories(path.parent_path());
  put(path, bytes);
}

/// A picture of one colour, (red, 9, 200).
inline void flat(const std::filesystem::path& path, int red, int height = 6, int width = 8) {
  Image image{height, width, 3, {}};
  for (int i = 0; i < height * width; ++i) {
    for (const int value : {red, 9, 200}) image.pixels.push_back(static_cast<uint8_t>(value));
  }
  std::filesystem::create_directories(path.parent_path());
  write_png(path, image);
}

/// Collects what loading warns of.
struct Warnings {
  std::vector<std::string> all;
  LoadOptions options() {
    return {.on_warning = [this](const std::string& text) { all.push_back(text); }};
  }
};

}  // namespace frugal

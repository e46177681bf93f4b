// How a data set is to be read: what `load_dataset` takes beside its name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/image.h"

namespace frugal {

/// Sides of images that a network may be fed.
inline constexpr int64_t max_image_side = 4096;

/// What a network must know of a data set.
struct DataLayout {
  ImageSize size;
  int64_t channels = 0;
  std::vector<std::string> classes;
};

struct LoadOptions {
  std::optional<ImageSize> image_size = {};  // absent: as they are; of a folder of pictures, see folder.h
  bool skip_bad = false;                     // leave broken pictures of a folder out instead of failing

  // What a folder without a test split holds out for it, class by class.
  double test_fraction = 0.2;
  uint64_t split_seed = 0;

  int threads = 0;                        // 0: as many as this process may run on; never changes the result
  std::optional<int64_t> memory = {};     // bytes that may be taken; absent: what is available
  std::filesystem::path cache_root = {};  // where decoded pictures are kept; empty: nowhere

  // All are called on the calling thread.
  /// Of a folder of pictures, before the first is decoded: how many classes and which images there will be.
  /// What it throws ends the reading.
  std::function<void(const DataLayout& layout)> on_layout = {};
  std::function<void(const std::string& what, int64_t done, int64_t total)> progress = {};
  std::function<void(const std::string& message)> on_warning = {};

  void warn(const std::string& message) const {
    if (on_warning) on_warning(message);
  }
  void show(const std::string& what, int64_t done, int64_t total) const {
    if (progress) progress(what, done, total);
  }
};

/// "auto" (none), "64" or "48x64" (height x width); anything else is a usage error that names `flag`.
std::optional<ImageSize> parse_image_size(const std::string& text, const std::string& flag);

/// Throws where `bytes` more are not to be had; `what` is what they are for ("20,000 images of 3 x 64 x 64").
void require_memory(int64_t bytes, const std::string& what, const LoadOptions& options);

/// ~/.cache/frugal; empty where there is no home.
std::filesystem::path user_cache();

}  // namespace frugal

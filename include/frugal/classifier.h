// A trained network, to classify pictures with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "frugal/guess.h"
#include "frugal/image.h"
#include "frugal/visible.h"

namespace frugal {

/// One thread may use it at a time; it uses several itself.
class FRUGAL_VISIBLE Classifier {
 public:
  /// A run directory, whose best weights are taken (else its last), or a weights file of frugal. `threads` 0:
  /// all that the machine allows. What cannot be read is an Error that names the file.
  explicit Classifier(const std::filesystem::path& run_or_file, int threads = 0);
  ~Classifier();
  Classifier(Classifier&&) noexcept;
  Classifier& operator=(Classifier&&) noexcept;
  Classifier(const Classifier&) = delete;
  Classifier& operator=(const Classifier&) = delete;

  const std::vector<std::string>& classes() const;
  /// Of the images that it was trained on: 1 grey, 3 RGB.
  int64_t channels() const;

  /// The `top` likeliest classes (all, where there are fewer), the likeliest first. A picture of any size is
  /// cut to its middle in the proportions of the network's input, resized to it with an antialiased triangle
  /// filter, and normalised as in training. One of another number of channels is an Error.
  std::vector<Guess> classify(const Image& picture, int top = 5);
  /// The same for many, faster than one by one.
  std::vector<std::vector<Guess>> classify(std::span<const Image> pictures, int top = 5);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Reads a PNG or JPEG file as `channels` = 1 (grey) or 3 (RGB), whatever it holds: palettes, alpha (laid
/// over white), 16 bits; turned upright where EXIF says so. What cannot be read is an Error that names the
/// file.
FRUGAL_VISIBLE Image read_picture(const std::filesystem::path& path, int channels = 3);

}  // namespace frugal

// TensorBoard's event files: scalars, histograms and images by step, a record each, flushed as written. The
// format is that of TensorFlow's EventsWriter: lengths and contents guarded by masked CRC-32C, contents in
// protocol buffers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/file_writer.h"
#include "data/image.h"

namespace frugal {

/// CRC-32C (Castagnoli), as in RFC 3720.
uint32_t crc32c(std::span<const uint8_t> bytes);

/// How values are spread: from the bucket of the least to that of the largest, in TensorFlow's buckets, which
/// grow by a tenth from 1e-12 on, of either sign; runs of empty ones are one. Values that are no numbers are
/// left out.
struct Histogram {
  double min = 0, max = 0, count = 0, sum = 0, sum_of_squares = 0;
  std::vector<double> limits,
      counts;  // upper ends, and how many values lie below each and not below the one before
};
Histogram histogram_of(std::span<const float> values);

class EventFile {
 public:
  /// Begins a new file in `directory`, which is made where it is not there:
  /// events.out.tfevents.<seconds>.<host>.<process>.frugal.
  explicit EventFile(const std::filesystem::path& directory);

  void scalar(const std::string& tag, int64_t step, double value);
  void histogram(const std::string& tag, int64_t step, std::span<const float> values);
  /// Grey or RGB.
  void image(const std::string& tag, int64_t step, const Image& image);

  const std::filesystem::path& path() const { return path_; }

 private:
  void write(const std::string& event);

  std::filesystem::path path_;
  FileWriter file_;
};

}  // namespace frugal

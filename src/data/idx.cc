#include "data/idx.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"
#include "data/gzip.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

constexpr int64_t max_file_bytes = int64_t{16} << 30;
constexpr uint32_t magic_bytes = 0x0800;  // two zeros, type uint8, then the number of dimensions
constexpr std::array<const char*, 10> fashion{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                              "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

struct Part {
  const char* stem;
  size_t dimensions;
};
constexpr Part train_images{"train-images", 3}, train_labels{"train-labels", 1};
constexpr Part test_images{"t10k-images", 3}, test_labels{"t10k-labels", 1};

std::vector<std::string> spellings(const Part& part) {
  const std::string end = "idx" + std::to_string(part.dimensions) + "-ubyte";
  std::vector<std::string> names;
  for (const char* mark : {"-", "."}) {
    for (const char* packed : {"", ".gz"}) names.push_back(part.stem + (mark + end) + packed);
  }
  return names;
}

/// Empty where there is none.
fs::path find(const fs::path& directory, const Part& part) {
  std::error_code ignored;
  for (const std::string& name : spellings(part)) {
    if (fs::exists(directory / name, ignored)) return directory / name;
  }
  return {};
}

/// What an IDX file holds: its sizes, and all of its bytes, `data` of which follow the sizes.
struct Idx {
  std::string file;
  std::vector<int64_t> shape;
  std::vector<uint8_t> bytes;
  std::span<const uint8_t> data;
};

Error damaged(const std::string& file, const std::string& why) {
  return Error(file + ": " + why + "; the file is damaged or of another kind: get it again");
}

uint32_t big_endian(std::span<const uint8_t> bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | bytes[at + i];
  return value;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t size : shape) text += (text.empty() ? "" : " x ") + with_thousands(size);
  return text;
}

/// Sets the shape from the header; returns how many bytes the whole is to have.
int64_t read_header(std::span<const uint8_t> bytes, size_t dimensions, Idx& idx) {
  const size_t header = 4 + 4 * dimensions;
  if (bytes.size() < header) {
    throw damaged(idx.file, std::to_string(bytes.size()) + " bytes are no IDX file");
  }
  const uint32_t magic = big_endian(bytes, 0);
  if (magic != (magic_bytes | dimensions)) {
    std::array<char, 16> hex{};
    std::snprintf(hex.data(), hex.size(), "%08x", magic);
    throw damaged(idx.file, std::string("it begins with ") + hex.data() + " where an IDX file of bytes in " +
                                std::to_string(dimensions) + " dimension" + (dimensions == 1 ? "" : "s") +
                                " begins with 0000080" + std::to_string(dimensions));
  }
  int64_t total = 1;
  for (size_t i = 0; i < dimensions; ++i) {
    idx.shape.push_back(big_endian(bytes, 4 + 4 * i));
    if (idx.shape[i] < 1 || (i > 0 && idx.shape[i] > max_image_side) ||
        __builtin_mul_overflow(total, idx.shape[i], &total)) {
      throw damaged(idx.file, "it claims sizes that no images have");
    }
  }
  return total + static_cast<int64_t>(header);
}

Idx read_part(const fs::path& directory, const Part& part, const LoadOptions& options) {
  const fs::path path = find(directory, part);
  if (path.empty()) {
    throw Error((directory / spellings(part)[0]).string() +
                ": no such file, nor with .gz behind it; put all four files of the data set there");
  }
  std::error_code unknown;
  const auto on_disk = static_cast<int64_t>(fs::file_size(path, unknown));
  if (!unknown) require_memory(std::min(on_disk, max_file_bytes), path.string(), options);
  Idx idx{.file = path.string(), .shape = {}, .bytes = read_file(path, max_file_bytes), .data = {}};
  const bool packed = is_gzip(idx.bytes);
  const auto header = static_cast<int64_t>(4 + 4 * part.dimensions);
  const int64_t size = packed ? read_header(gunzip(idx.bytes, header, idx.file), part.dimensions, idx)
                              : read_header(idx.bytes, part.dimensions, idx);
  const std::string claim = "it claims " + shape_text(idx.shape) + " bytes";
  const auto have = static_cast<int64_t>(idx.bytes.size());
  if (packed) {
    // A few bytes can claim terabytes; memory is taken only for what they can become.
    if (size / max_gzip_ratio > have) throw damaged(idx.file, claim + ", more than it can hold");
    require_memory(size, idx.file, options);
    idx.bytes = gunzip(idx.bytes, size + 1, idx.file);
  }
  const auto got = static_cast<int64_t>(idx.bytes.size());
  if (got < size) throw damaged(idx.file, claim + " but holds " + with_thousands(got - header));
  if (got > size) throw damaged(idx.file, claim + " but holds more");
  idx.data = std::span(idx.bytes).subspan(static_cast<size_t>(header));
  return idx;
}

ImageSet read_split(const fs::path& directory, const Part& images_part, const Part& labels_part,
                    const LoadOptions& options) {
  const Idx labels = read_part(directory, labels_part, options);
  Idx images = read_part(directory, images_part, options);
  if (labels.shape[0] != images.shape[0]) {
    throw damaged(images.file, "it holds " + with_thousands(images.shape[0]) + " images, but " + labels.file +
                                   " " + with_thousands(labels.shape[0]) + " labels");
  }
  ImageSet set;
  set.count = images.shape[0];
  set.height = images.shape[1];
  set.width = images.shape[2];
  set.channels = 1;
  set.labels.assign(labels.data.begin(), labels.data.end());
  images.bytes.erase(images.bytes.begin(), images.bytes.end() - static_cast<int64_t>(images.data.size()));
  set.pixels = std::move(images.bytes);
  return set;
}

void check_labels(const ImageSet& images, size_t classes, const fs::path& path) {
  const auto wrong = std::ranges::find_if(
      images.labels, [&](int32_t label) { return static_cast<size_t>(label) >= classes; });
  if (wrong == images.labels.end()) return;
  throw damaged(path.string(), "label " + std::to_string(wrong - images.labels.begin()) + " is " +
                                   std::to_string(*wrong) + ", but there are only " +
                                   std::to_string(classes) + " classes");
}

/// Whether the directory, or the one above it (FashionMNIST/raw), says so in its name.
bool is_fashion(const fs::path& directory) {
  std::error_code ignored;
  fs::path path = (fs::absolute(directory, ignored) / "").lexically_normal().parent_path();
  std::string names = path.parent_path().filename().string() + "/" + path.filename().string();
  std::ranges::transform(names, names.begin(), [](unsigned char c) { return std::tolower(c); });
  return names.find("fashion") != std::string::npos;
}

}  // namespace

bool is_idx(const fs::path& directory) {
  for (const Part& part : {train_images, train_labels, test_images, test_labels}) {
    if (!find(directory, part).empty()) return true;
  }
  return false;
}

void read_idx(const fs::path& directory, const LoadOptions& options, Dataset& dataset) {
  dataset.train = read_split(directory, train_images, train_labels, options);
  dataset.test = read_split(directory, test_images, test_labels, options);
  if (dataset.train.height != dataset.test.height || dataset.train.width != dataset.test.width) {
    throw damaged(find(directory, test_images).string(),
                  "its images are not of the same size as those for training");
  }
  if (is_fashion(directory)) {
    dataset.classes.assign(fashion.begin(), fashion.end());
  } else {
    const int32_t most = *std::ranges::max_element(dataset.train.labels);
    for (int32_t label = 0; label <= most; ++label) dataset.classes.push_back(std::to_string(label));
  }
  check_labels(dataset.train, dataset.classes.size(), find(directory, train_labels));
  check_labels(dataset.test, dataset.classes.size(), find(directory, test_labels));
}

}  // namespace frugal

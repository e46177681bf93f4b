#include "data/cifar.h"

#include <array>
#include <string>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

constexpr int64_t side = 32, channels = 3, plane = side * side;
constexpr int64_t image_bytes = plane * channels;
constexpr int64_t max_file_bytes = int64_t{4} << 30;
constexpr size_t max_classes = 256;  // a label is one byte

/// What the label bytes of a record mean: coarse classes are absent from CIFAR-10.
struct Labels {
  size_t coarse_classes = 0;
  size_t classes = 0;
  int64_t bytes() const { return coarse_classes > 0 ? 2 : 1; }
};

bool holds_any(const fs::path& directory, std::initializer_list<const char*> names) {
  std::error_code ignored;
  for (const char* name : names) {
    if (fs::exists(directory / name, ignored)) return true;
  }
  return false;
}

/// Planes to pixels.
void interleave(const uint8_t* planes, uint8_t* pixels) {
  for (int64_t i = 0; i < plane; ++i) {
    for (int64_t c = 0; c < channels; ++c) pixels[i * channels + c] = planes[c * plane + i];
  }
}

int32_t checked_label(uint8_t label, const char* kind, size_t classes, const fs::path& path, int64_t record,
                      int64_t record_bytes) {
  if (label < classes) return label;
  throw Error(path.string() + ": record " + std::to_string(record) + " (at byte " +
              std::to_string(record * record_bytes) + ") has " + kind + " label " + std::to_string(label) +
              ", but there are only " + std::to_string(classes) +
              " names; the file is damaged or of another layout: get it again");
}

/// Appends the records of a file.
void read_records(const fs::path& path, const Labels& labels, ImageSet& images) {
  const std::vector<uint8_t> bytes = read_file(path, max_file_bytes);
  const auto size = static_cast<int64_t>(bytes.size());
  const int64_t record_bytes = labels.bytes() + image_bytes;
  if (size == 0) throw Error(path.string() + ": the file is empty: get it again");
  if (size % record_bytes != 0) {
    throw Error(path.string() + ": " + with_thousands(size) + " bytes are " +
                with_thousands(size / record_bytes) + " records of " + with_thousands(record_bytes) +
                " bytes and " + with_thousands(size % record_bytes) +
                " bytes more; the file is cut short, or of another layout: "
                "get it again");
  }
  const int64_t records = size / record_bytes;
  images.height = images.width = side;
  images.channels = channels;
  images.pixels.resize(static_cast<size_t>((images.count + records) * image_bytes));
  for (int64_t i = 0; i < records; ++i) {
    const uint8_t* record = bytes.data() + i * record_bytes;
    if (labels.coarse_classes > 0) {
      images.coarse_labels.push_back(
          checked_label(*record++, "coarse", labels.coarse_classes, path, i, record_bytes));
    }
    images.labels.push_back(checked_label(*record++, "class", labels.classes, path, i, record_bytes));
    interleave(record, images.pixels.data() + (images.count + i) * image_bytes);
  }
  images.count += records;
}

}  // namespace

std::vector<std::string> read_names(const fs::path& path) {
  std::vector<std::string> names;
  const std::string text = read_text_file(path, 1 << 20);
  for (std::string_view line : split(text, '\n')) {
    if (!trim(line).empty()) names.emplace_back(trim(line));
  }
  if (names.empty() || names.size() > max_classes) {
    throw Error(path.string() + ": " + std::to_string(names.size()) + " names of classes, where 1 to " +
                std::to_string(max_classes) + " are expected, one a line");
  }
  return names;
}

bool is_cifar10(const fs::path& directory) {
  return holds_any(directory, {"data_batch_1.bin", "test_batch.bin", "batches.meta.txt"});
}

bool is_cifar100(const fs::path& directory) {
  return holds_any(directory, {"train.bin", "test.bin", "fine_label_names.txt"});
}

void read_cifar10(const fs::path& directory, Dataset& dataset) {
  dataset.classes = read_names(directory / "batches.meta.txt");
  const Labels labels{.classes = dataset.classes.size()};
  for (int i = 1; i <= 5; ++i) {
    read_records(directory / ("data_batch_" + std::to_string(i) + ".bin"), labels, dataset.train);
  }
  read_records(directory / "test_batch.bin", labels, dataset.test);
}

void read_cifar100(const fs::path& directory, Dataset& dataset) {
  dataset.classes = read_names(directory / "fine_label_names.txt");
  dataset.coarse_classes = read_names(directory / "coarse_label_names.txt");
  const Labels labels{.coarse_classes = dataset.coarse_classes.size(), .classes = dataset.classes.size()};
  read_records(directory / "train.bin", labels, dataset.train);
  read_records(directory / "test.bin", labels, dataset.test);
}

}  // namespace frugal

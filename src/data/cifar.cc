#include "data/cifar.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/large_pages.h"
#include "base/lines.h"
#include "base/parallel.h"
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

/// Records that a thread takes at a time: their bytes stay in its cache.
constexpr int64_t records_at_once = 128;

int64_t count_records(const InputFile& file, int64_t record_bytes, const fs::path& path) {
  const int64_t size = file.size();
  if (size == 0) throw Error(path.string() + ": the file is empty: get it again");
  if (size % record_bytes != 0) {
    throw Error(path.string() + ": " + with_thousands(size) + " bytes are " +
                with_thousands(size / record_bytes) + " records of " + with_thousands(record_bytes) +
                " bytes and " + with_thousands(size % record_bytes) +
                " bytes more; the file is cut short, or of another layout: "
                "get it again");
  }
  return size / record_bytes;
}

/// Appends the records of a file.
void read_records(const fs::path& path, const Labels& labels, const LoadOptions& options, ImageSet& images) {
  const InputFile file(path, max_file_bytes);
  const int64_t record_bytes = labels.bytes() + image_bytes;
  const int64_t records = count_records(file, record_bytes, path), before = images.count;
  require_memory(records * image_bytes, path.string(), options);
  images.height = images.width = side;
  images.channels = channels;
  images.count += records;
  const auto bytes = static_cast<size_t>(images.count * image_bytes);
  reserve_in_large_pages(images.pixels, bytes);
  images.pixels.resize(bytes);
  images.labels.resize(static_cast<size_t>(images.count));
  if (labels.coarse_classes > 0) images.coarse_labels.resize(static_cast<size_t>(images.count));

  parallel_for((records + records_at_once - 1) / records_at_once, options.threads, [&](int64_t chunk) {
    const int64_t first = chunk * records_at_once, end = std::min(records, first + records_at_once);
    std::vector<uint8_t> bytes(static_cast<size_t>((end - first) * record_bytes));
    file.read(first * record_bytes, bytes);
    const uint8_t* record = bytes.data();
    for (int64_t i = first; i < end; ++i, record += record_bytes) {
      const auto at = static_cast<size_t>(before + i);
      if (labels.coarse_classes > 0) {
        images.coarse_labels[at] =
            checked_label(record[0], "coarse", labels.coarse_classes, path, i, record_bytes);
      }
      images.labels[at] =
          checked_label(record[labels.bytes() - 1], "class", labels.classes, path, i, record_bytes);
      interleave(record + labels.bytes(), images.pixels.data() + (before + i) * image_bytes);
    }
  });
}

}  // namespace

std::vector<std::string> read_names(const fs::path& path) {
  std::vector<std::string> names = nonempty_lines(read_text_file(path, 1 << 20));
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

void read_cifar10(const fs::path& directory, const LoadOptions& options, Dataset& dataset) {
  dataset.classes = read_names(directory / "batches.meta.txt");
  const Labels labels{.classes = dataset.classes.size()};
  for (int i = 1; i <= 5; ++i) {
    read_records(directory / ("data_batch_" + std::to_string(i) + ".bin"), labels, options, dataset.train);
  }
  read_records(directory / "test_batch.bin", labels, options, dataset.test);
}

void read_cifar100(const fs::path& directory, const LoadOptions& options, Dataset& dataset) {
  dataset.classes = read_names(directory / "fine_label_names.txt");
  dataset.coarse_classes = read_names(directory / "coarse_label_names.txt");
  const Labels labels{.coarse_classes = dataset.coarse_classes.size(), .classes = dataset.classes.size()};
  read_records(directory / "train.bin", labels, options, dataset.train);
  read_records(directory / "test.bin", labels, options, dataset.test);
}

}  // namespace frugal

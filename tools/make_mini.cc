// Makes data/cifar100-mini from the full CIFAR-100: of every class 50 training and 10 test images, chosen by
// a seeded rule that does not depend on the order of the records, in the sheets that data/sheets.h describes.
//
//   build/release/make_mini DATA OUT     e.g. make_mini cifar100 data/cifar100-mini
#include <png.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/philox.h"
#include "data/dataset.h"
#include "data/sheets.h"

namespace frugal {
namespace {

constexpr uint64_t seed = 100;
constexpr int64_t columns = sheet_train_columns + sheet_test_columns;
constexpr int64_t sheet_width = columns * sheet_tile;

/// `wanted` images of a class. Sorted by content first: copies of CIFAR-100 differ in the order of their
/// records.
std::vector<int64_t> choose(const ImageSet& images, int32_t label, int64_t wanted, uint32_t draw) {
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < images.count; ++i) {
    if (images.labels[static_cast<size_t>(i)] == label) ids.push_back(i);
  }
  if (static_cast<int64_t>(ids.size()) < wanted) {
    throw Error("class " + std::to_string(label) + " has only " + std::to_string(ids.size()) + " images");
  }
  const auto content = [&](int64_t i) {
    return std::span(images.image(i), static_cast<size_t>(images.image_bytes()));
  };
  std::ranges::sort(ids, [&](int64_t a, int64_t b) {
    return std::ranges::lexicographical_compare(content(a), content(b));
  });
  const RandomStream stream(seed, Purpose::split, static_cast<uint32_t>(label));
  for (uint32_t i = 0; i < wanted; ++i) {
    const uint32_t left = static_cast<uint32_t>(ids.size()) - i;
    std::swap(ids[i], ids[i + uniform_below(stream.word(draw, i), left)]);
  }
  ids.resize(static_cast<size_t>(wanted));
  return ids;
}

/// Puts images side by side into a row of tiles.
void place_row(const ImageSet& images, const std::vector<int64_t>& ids, int64_t row, int64_t column,
               std::vector<uint8_t>& sheet) {
  const int64_t line = sheet_tile * images.channels;
  for (int64_t id : ids) {
    for (int64_t y = 0; y < sheet_tile; ++y) {
      std::copy_n(
          images.image(id) + y * line, line,
          sheet.data() + ((row * sheet_tile + y) * sheet_width + column * sheet_tile) * images.channels);
    }
    ++column;
  }
}

void write_sheet(const std::filesystem::path& path, const std::vector<uint8_t>& sheet) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(sheet_width);
  png.height = static_cast<png_uint_32>(sheet_rows * sheet_tile);
  png.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  std::vector<uint8_t> bytes(size);
  if (png_image_write_to_memory(&png, bytes.data(), &size, 0, sheet.data(), 0, nullptr) == 0) {
    throw Error("cannot write " + path.string() + ": " + png.message);
  }
  const std::span<const uint8_t> piece(bytes.data(), size);
  write_file_atomic(path, std::span(&piece, 1));
}

/// The coarse class of a class, from its first image.
std::string coarse_name(const Dataset& data, int32_t label) {
  const auto first = std::ranges::find(data.train.labels, label) - data.train.labels.begin();
  return data.coarse_classes[static_cast<size_t>(data.train.coarse_labels[static_cast<size_t>(first)])];
}

void make_mini(const std::string& from, const std::filesystem::path& to) {
  const Dataset data = load_dataset(from);
  const auto classes = static_cast<int32_t>(data.classes.size());
  if (data.coarse_classes.empty() || data.train.height != sheet_tile || classes % sheet_rows != 0) {
    throw Error(from + " is not CIFAR-100");
  }
  std::filesystem::create_directories(to);
  std::string names;
  std::vector<uint8_t> sheet(
      static_cast<size_t>(sheet_rows * sheet_tile * sheet_width * data.train.channels));
  for (int32_t label = 0; label < classes; ++label) {
    const int64_t row = label % sheet_rows;
    place_row(data.train, choose(data.train, label, sheet_train_columns, 0), row, 0, sheet);
    place_row(data.test, choose(data.test, label, sheet_test_columns, 1), row, sheet_train_columns, sheet);
    names += data.classes[static_cast<size_t>(label)] + " " + coarse_name(data, label) + "\n";
    if (row == sheet_rows - 1) write_sheet(to / sheet_file(label / sheet_rows), sheet);
  }
  write_file_atomic(to / sheet_classes_file, names);
}

}  // namespace
}  // namespace frugal

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: make_mini DATA OUT\n", stderr);
    return 2;
  }
  try {
    frugal::make_mini(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_mini: %s\n", error.what());
    return 1;
  }
}

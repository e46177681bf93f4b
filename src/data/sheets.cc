#include "data/sheets.h"

#include <png.h>

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "data/cifar.h"
#include "data/folder.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

constexpr int64_t channels = 3, tile_row_bytes = sheet_tile * channels;
constexpr int64_t sheet_columns = sheet_train_columns + sheet_test_columns;
constexpr int64_t sheet_width = sheet_columns * sheet_tile, sheet_height = sheet_rows * sheet_tile;

/// The pixels of a sheet, RGB. Its size is compared before memory is taken.
std::vector<uint8_t> read_sheet(const fs::path& path) {
  const std::vector<uint8_t> bytes = read_file(path, int64_t{16} << 20);
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  const auto fail = [&](const std::string& why) {
    png_image_free(&png);
    throw Error(path.string() + ": " + why + "; the file is damaged: get it again");
  };
  if (png_image_begin_read_from_memory(&png, bytes.data(), bytes.size()) == 0) fail(png.message);
  if (png.width != sheet_width || png.height != sheet_height || png.format != PNG_FORMAT_RGB) {
    fail("not an RGB picture of " + std::to_string(sheet_width) + " x " + std::to_string(sheet_height));
  }
  std::vector<uint8_t> pixels(static_cast<size_t>(sheet_width * sheet_height * channels));
  if (png_image_finish_read(&png, nullptr, pixels.data(), 0, nullptr) == 0) fail(png.message);
  // A damaged checksum at the end is only a warning to libpng, but not to us.
  if (png.warning_or_error != 0) fail(png.message);
  return pixels;
}

ImageSet empty_set(int64_t count) {
  ImageSet images;
  images.count = count;
  images.height = images.width = sheet_tile;
  images.channels = channels;
  images.pixels.resize(static_cast<size_t>(count * images.image_bytes()));
  images.labels.resize(static_cast<size_t>(count));
  images.coarse_labels.resize(static_cast<size_t>(count));
  return images;
}

}  // namespace

std::string sheet_file(int64_t sheet) { return "sheet-" + std::to_string(sheet) + ".png"; }

bool is_sheets(const fs::path& directory) {
  std::error_code ignored;
  // A folder of pictures may have a file of that name, too.
  return fs::exists(directory / sheet_classes_file, ignored) &&
         (fs::exists(directory / sheet_file(0), ignored) || !is_folder(directory));
}

void read_sheets(const fs::path& directory, const LoadOptions& /*options*/, Dataset& dataset) {
  std::set<std::string> coarse_names;
  std::vector<std::string> coarse_of;
  for (const std::string& line : read_names(directory / sheet_classes_file)) {
    const size_t space = line.find(' ');
    if (space == std::string::npos) {
      throw Error((directory / sheet_classes_file).string() + ": " + in_quotes(line) +
                  " lacks the coarse class");
    }
    dataset.classes.push_back(line.substr(0, space));
    coarse_of.emplace_back(trim(std::string_view(line).substr(space)));
    coarse_names.insert(coarse_of.back());
  }
  dataset.coarse_classes.assign(coarse_names.begin(), coarse_names.end());

  const auto classes = static_cast<int64_t>(dataset.classes.size());
  dataset.train = empty_set(classes * sheet_train_columns);
  dataset.test = empty_set(classes * sheet_test_columns);
  for (int64_t label = 0; label < classes; label += sheet_rows) {
    const std::vector<uint8_t> sheet = read_sheet(directory / sheet_file(label / sheet_rows));
    for (int64_t row = 0; row < std::min(sheet_rows, classes - label); ++row) {
      const auto coarse =
          std::distance(coarse_names.begin(), coarse_names.find(coarse_of[static_cast<size_t>(label + row)]));
      for (int64_t column = 0; column < sheet_columns; ++column) {
        const bool test = column >= sheet_train_columns;
        ImageSet& images = test ? dataset.test : dataset.train;
        const int64_t image = (test ? column - sheet_train_columns : column) * classes + label + row;
        images.labels[static_cast<size_t>(image)] = static_cast<int32_t>(label + row);
        images.coarse_labels[static_cast<size_t>(image)] = static_cast<int32_t>(coarse);
        for (int64_t y = 0; y < sheet_tile; ++y) {
          std::copy_n(sheet.data() + ((row * sheet_tile + y) * sheet_width + column * sheet_tile) * channels,
                      tile_row_bytes,
                      images.pixels.data() + image * images.image_bytes() + y * tile_row_bytes);
        }
      }
    }
  }
}

}  // namespace frugal

#include "eval/sheet.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "base/error.h"
#include "data/batch.h"
#include "data/sampler.h"

namespace frugal {
namespace {

constexpr int64_t gap = 2;

struct Sheet {
  Image image;
  int64_t zoom, cell_height, cell_width;

  Sheet(const ImageSet& images, int64_t rows, int64_t columns)
      : zoom(std::max<int64_t>(1, 64 / std::max(images.height, images.width))),
        cell_height(images.height * zoom + gap),
        cell_width(images.width * zoom + gap) {
    image = {rows * cell_height + gap, columns * cell_width + gap, images.channels, {}};
    image.pixels.assign(static_cast<size_t>(image.height * image.width * image.channels), 255);
  }

  void paste(const ImageSet& images, int64_t id, int64_t row, int64_t column) {
    paste(images, images.image(id), row, column);
  }

  /// A picture of the images' size.
  void paste(const ImageSet& images, const uint8_t* source, int64_t row, int64_t column) {
    const int64_t channels = images.channels;
    for (int64_t y = 0; y < images.height * zoom; ++y) {
      for (int64_t x = 0; x < images.width * zoom; ++x) {
        const int64_t to = (row * cell_height + gap + y) * image.width + column * cell_width + gap + x;
        const int64_t from = (y / zoom) * images.width + x / zoom;
        std::copy_n(source + from * channels, channels, image.pixels.data() + to * channels);
      }
    }
  }
};

/// The first `wanted` images of each of the first `classes` classes.
std::vector<std::vector<int64_t>> first_images(const ImageSet& images, int64_t classes, size_t wanted) {
  std::vector<std::vector<int64_t>> found(static_cast<size_t>(classes));
  for (int64_t i = 0; i < images.count; ++i) {
    const int32_t label = images.labels[static_cast<size_t>(i)];
    if (label >= classes) continue;
    auto& of_class = found[static_cast<size_t>(label)];
    if (of_class.size() < wanted) of_class.push_back(i);
  }
  return found;
}

void require_colours(const ImageSet& images) {
  if (images.channels == 1 || images.channels == 3) return;
  throw Error("a sheet shows grey or RGB images; these have " + std::to_string(images.channels) +
              " channels");
}

/// The image that was normalised to these numbers.
std::vector<uint8_t> seen(const std::vector<float>& input, const Normalization& normalization) {
  std::vector<uint8_t> pixels(input.size());
  const size_t channels = normalization.mean.size();
  for (size_t i = 0; i < input.size(); ++i) {
    const float value = input[i] * normalization.std[i % channels] + normalization.mean[i % channels];
    pixels[i] = static_cast<uint8_t>(std::clamp(value * 255.0f + 0.5f, 0.0f, 255.0f));
  }
  return pixels;
}

}  // namespace

Image sample_sheet(const ImageSet& images, int64_t classes) {
  require_colours(images);
  if (classes <= 20) {
    const auto found = first_images(images, classes, 10);
    Sheet sheet(images, classes, 10);
    for (size_t row = 0; row < found.size(); ++row) {
      for (size_t column = 0; column < found[row].size(); ++column) {
        sheet.paste(images, found[row][column], static_cast<int64_t>(row), static_cast<int64_t>(column));
      }
    }
    return sheet.image;
  }
  const int64_t shown = std::min<int64_t>(classes, 400);
  const auto columns = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(shown))));
  const auto found = first_images(images, shown, 1);
  Sheet sheet(images, (shown + columns - 1) / columns, columns);
  for (int64_t i = 0; i < shown; ++i) {
    const auto& of_class = found[static_cast<size_t>(i)];
    if (!of_class.empty()) sheet.paste(images, of_class[0], i / columns, i % columns);
  }
  return sheet.image;
}

Image augment_sheet(const ImageSet& images, const std::vector<Augment>& augment,
                    const Normalization& normalization, uint64_t seed) {
  require_colours(images);
  check_augment(augment, images.height, images.width, images.channels);
  constexpr int64_t rows = 12, versions = 8;
  std::vector<int32_t> all(static_cast<size_t>(images.count));
  std::iota(all.begin(), all.end(), 0);
  const std::vector<int32_t> chosen = epoch_order(all, seed, 0);
  const int64_t shown = std::min<int64_t>(rows, images.count);
  Sheet sheet(images, shown, 1 + versions);
  std::vector<float> input(static_cast<size_t>(images.image_bytes()));
  for (int64_t row = 0; row < shown; ++row) sheet.paste(images, chosen[static_cast<size_t>(row)], row, 0);
  for (int64_t version = 0; version < versions; ++version) {
    const auto epoch = static_cast<uint32_t>(version);
    const std::vector<int32_t> order = epoch_order(all, seed, epoch);
    const BatchRecipe recipe{normalization, augment, seed, epoch, order};
    for (int64_t row = 0; row < shown; ++row) {
      const int32_t id = chosen[static_cast<size_t>(row)];
      const auto place = static_cast<uint32_t>(std::ranges::find(order, id) - order.begin());
      const TensorView view =
          TensorView::dense(input.data(), DType::f32, {1, images.height, images.width, images.channels});
      fill_batch(images, std::span(&id, 1), place, recipe, view);
      sheet.paste(images, seen(input, normalization).data(), row, 1 + version);
    }
  }
  return sheet.image;
}

}  // namespace frugal

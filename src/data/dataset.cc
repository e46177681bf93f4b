#include "data/dataset.h"

#include <array>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "base/text.h"
#include "base/units.h"
#include "data/cifar.h"
#include "data/folder.h"
#include "data/idx.h"
#include "data/locate.h"
#include "data/resize.h"
#include "data/sheets.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

struct Layout {
  bool (*matches)(const fs::path&);
  void (*read)(const fs::path&, const LoadOptions&, Dataset&);
};
// Folders of pictures last: any directory with directories in it might be one.
constexpr std::array<Layout, 5> layouts{{{is_cifar100, read_cifar100},
                                         {is_cifar10, read_cifar10},
                                         {is_idx, read_idx},
                                         {is_sheets, read_sheets},
                                         {is_folder, read_folder}}};

/// Reads the directory, or what an official archive has unpacked inside it.
void read_directory(const fs::path& directory, const LoadOptions& options, Dataset& dataset) {
  for (const fs::path& candidate :
       {directory / "cifar-100-binary", directory / "cifar-10-batches-bin", directory}) {
    for (const Layout& layout : layouts) {
      if (!layout.matches(candidate)) continue;
      dataset.path = candidate;
      layout.read(candidate, options, dataset);
      return;
    }
  }
  throw Error(directory.string() +
              ": holds no data set that frugal can read; it expects train.bin, test.bin and the names of "
              "CIFAR-100, or data_batch_1.bin to 5, test_batch.bin and batches.meta.txt of CIFAR-10 (their "
              "binary versions), or train-images-idx3-ubyte and its fellows of MNIST, or a directory a class "
              "with JPEG or PNG pictures");
}

/// Brings images of one size to another, with the filter that pictures go through.
void resize_images(ImageSet& images, const LoadOptions& options) {
  if (!options.image_size || *options.image_size == ImageSize{images.height, images.width}) return;
  ImageSet resized = images;
  resized.height = options.image_size->height;
  resized.width = options.image_size->width;
  require_memory(resized.count * resized.image_bytes(), with_thousands(images.count) + " images", options);
  resized.pixels.resize(static_cast<size_t>(resized.count * resized.image_bytes()));
  parallel_for(images.count, options.threads, [&](int64_t i) {
    fit(images.picture(i), resized.height, resized.width, resized.pixels.data() + i * resized.image_bytes());
  });
  images = std::move(resized);
}

void add_images(const ImageSet& images, Hasher& hasher) {
  const std::array<int64_t, 4> shape{images.count, images.height, images.width, images.channels};
  const auto add = [&](const auto& values) {
    hasher.update(
        std::span(reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(values[0])));
  };
  add(shape);
  add(images.pixels);
  add(images.labels);
  add(images.coarse_labels);
}

/// Warns of what will train, though hardly what was meant.
void check_dataset(const Dataset& dataset, const LoadOptions& options) {
  if (dataset.classes.size() == 1) {
    options.warn(dataset.path.string() + ": there is one class only, so there is nothing to tell apart");
  }
  for (const auto& [images, split] : {std::pair{&dataset.train, "training"}, {&dataset.test, "test"}}) {
    std::vector<bool> filled(dataset.classes.size());
    for (const int32_t label : images->labels) filled[static_cast<size_t>(label)] = true;
    std::vector<std::string> empty;
    for (size_t i = 0; i < filled.size(); ++i) {
      if (!filled[i]) empty.push_back(in_quotes(dataset.classes[i]));
    }
    if (empty.empty()) continue;
    const size_t count = empty.size();
    if (count > 5) {
      empty.resize(5);
      empty.emplace_back("...");
    }
    options.warn(dataset.path.string() + ": " + std::to_string(count) +
                 (count == 1 ? " class has" : " classes have") + " no " + split + " images: " + join(empty));
  }
}

}  // namespace

Dataset load_dataset(const std::string& name_or_path, const LoadOptions& options) {
  Dataset dataset;
  dataset.name = name_or_path;
  read_directory(locate_dataset(name_or_path), options, dataset);
  resize_images(dataset.train, options);
  resize_images(dataset.test, options);
  Hasher hasher;
  add_images(dataset.train, hasher);
  add_images(dataset.test, hasher);
  dataset.fingerprint = hasher.hex();
  check_dataset(dataset, options);
  return dataset;
}

std::vector<int64_t> class_counts(const ImageSet& images, size_t classes) {
  std::vector<int64_t> counts(classes);
  for (const int32_t label : images.labels) ++counts[static_cast<size_t>(label)];
  return counts;
}

}  // namespace frugal

#include "data/dataset.h"

#include <array>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "base/units.h"
#include "data/cifar.h"
#include "data/dataset_check.h"
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

}  // namespace

Dataset load_dataset(const std::string& name_or_path, const LoadOptions& options) {
  Dataset dataset;
  dataset.name = name_or_path;
  read_directory(locate_dataset(name_or_path), options, dataset);
  resize_images(dataset.train, options);
  resize_images(dataset.test, options);
  dataset.fingerprint = dataset_fingerprint(dataset);
  warn_of_dataset(dataset, options);
  return dataset;
}

std::vector<int64_t> class_counts(const ImageSet& images, size_t classes) {
  std::vector<int64_t> counts(classes);
  for (const int32_t label : images.labels) ++counts[static_cast<size_t>(label)];
  return counts;
}

}  // namespace frugal

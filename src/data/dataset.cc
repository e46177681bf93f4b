#include "data/dataset.h"

#include <array>
#include <span>
#include <system_error>

#include "base/error.h"
#include "base/hash.h"
#include "data/cifar.h"
#include "data/locate.h"
#include "data/sheets.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

struct Layout {
  bool (*matches)(const fs::path&);
  void (*read)(const fs::path&, Dataset&);
};
constexpr std::array<Layout, 3> layouts{
    {{is_cifar100, read_cifar100}, {is_cifar10, read_cifar10}, {is_sheets, read_sheets}}};

/// Reads the directory, or what an official archive has unpacked inside it.
void read_directory(const fs::path& directory, Dataset& dataset) {
  for (const fs::path& candidate :
       {directory, directory / "cifar-100-binary", directory / "cifar-10-batches-bin"}) {
    for (const Layout& layout : layouts) {
      if (!layout.matches(candidate)) continue;
      dataset.path = candidate;
      layout.read(candidate, dataset);
      return;
    }
  }
  throw Error(
      directory.string() +
      ": holds no data set that frugal can read; it expects train.bin, test.bin and the names of CIFAR-100, "
      "or "
      "data_batch_1.bin to 5, test_batch.bin and batches.meta.txt of CIFAR-10 (their binary versions)");
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

}  // namespace

Dataset load_dataset(const std::string& name_or_path) {
  Dataset dataset;
  dataset.name = name_or_path;
  read_directory(locate_dataset(name_or_path), dataset);
  Hasher hasher;
  add_images(dataset.train, hasher);
  add_images(dataset.test, hasher);
  dataset.fingerprint = hasher.hex();
  return dataset;
}

}  // namespace frugal

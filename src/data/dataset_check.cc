#include "data/dataset_check.h"

#include <array>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"

namespace frugal {
namespace {

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

void check_own_images(const ImageSet& images, const std::string& split, size_t classes) {
  const auto fault = [&](const std::string& what) {
    return usage_error("the " + split + " images: " + what);
  };
  for (const int64_t side : {images.height, images.width}) {
    if (side < 1 || side > max_image_side) {
      throw fault("height and width must be in 1 to " + std::to_string(max_image_side));
    }
  }
  if (images.channels < 1 || images.channels > 4) throw fault("there must be 1 to 4 channels");
  if (images.count < 1) throw fault("there are none");
  if (std::ssize(images.pixels) / images.image_bytes() != images.count ||
      std::ssize(images.pixels) % images.image_bytes() != 0) {
    throw fault("count x height x width x channels is not the number of pixels, " +
                std::to_string(images.pixels.size()));
  }
  if (std::ssize(images.labels) != images.count) {
    throw fault("there are " + std::to_string(images.labels.size()) + " labels for " +
                std::to_string(images.count));
  }
  for (const int32_t label : images.labels) {
    if (label < 0 || std::cmp_greater_equal(label, classes)) {
      throw fault("label " + std::to_string(label) + " is not in 0 to " + std::to_string(classes - 1));
    }
  }
  if (!images.coarse_labels.empty()) throw fault("coarse labels are not taken");
}

}  // namespace

std::string dataset_fingerprint(const Dataset& dataset) {
  Hasher hasher;
  add_images(dataset.train, hasher);
  add_images(dataset.test, hasher);
  return hasher.hex();
}

void warn_of_dataset(const Dataset& dataset, const LoadOptions& options) {
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

void check_own_dataset(const Dataset& dataset) {
  if (dataset.classes.empty()) throw usage_error("the data have no classes");
  check_own_images(dataset.train, "training", dataset.classes.size());
  check_own_images(dataset.test, "test", dataset.classes.size());
  const ImageSet &train = dataset.train, &test = dataset.test;
  if (train.height != test.height || train.width != test.width || train.channels != test.channels) {
    throw usage_error("training and test images are of different sizes");
  }
}

}  // namespace frugal

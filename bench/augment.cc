// How many images a second one core augments, normalises and converts to bf16, by augmentation list: 32x32,
// RGB, from a set that does not fit the caches. bench/versus_dataloader sets it beside torchvision.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "base/philox.h"
#include "data/batch.h"

namespace frugal {
namespace {

constexpr int64_t images = 50000, batch = 128, size = 32;

const ImageSet& image_set() {
  static const ImageSet set = [] {
    ImageSet result{.count = images,
                    .height = size,
                    .width = size,
                    .channels = 3,
                    .pixels = {},
                    .labels = {},
                    .coarse_labels = {}};
    result.pixels.resize(static_cast<size_t>(images * result.image_bytes()));
    const RandomStream stream(1, Purpose::test);
    for (size_t i = 0; i < result.pixels.size(); i += 16) {
      const auto words = stream.block(0, static_cast<uint32_t>(i / 16));
      for (size_t k = 0; k < 16; ++k)
        result.pixels[i + k] = static_cast<uint8_t>(words[k / 4] >> (k % 4 * 8));
    }
    return result;
  }();
  return set;
}

void augment(benchmark::State& state, const std::string& list) {
  const ImageSet& set = image_set();
  std::vector<int32_t> order(images);
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int32_t>(i * 7919 % images);
  const BatchRecipe recipe{.normalization = measure_normalization(set),
                           .augment = parse_augment(list),
                           .seed = 1,
                           .epoch = 0,
                           .order = order};
  std::vector<uint16_t> out(static_cast<size_t>(batch * set.image_bytes()));
  const TensorView view = TensorView::dense(out.data(), DType::bf16, {batch, size, size, 3});
  int64_t first = 0;
  for (auto step : state) {
    fill_batch(set, std::span(order).subspan(static_cast<size_t>(first), batch), static_cast<uint32_t>(first),
               recipe, view);
    first = (first + batch) % (images - batch);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * batch);
}

const bool registered = [] {
  for (const char* list :
       {"none", "flip,crop:4", "altflip,translate:2", "flip,crop:4,cutout:8", "flip,crop:4,jitter:0.2",
        "flip,crop:4,jitter:0.2,cutout:8", "flip,crop:4,jitter:0.2|0.2|0.2|0.1", "flip,crop:4,grey",
        "rotate:15", "randaugment", "flip,crop:4,randaugment", "trivial", "flip,crop:4,mixup",
        "flip,crop:4,cutmix", "flip,crop:4,erase"}) {
    benchmark::RegisterBenchmark(("augment/" + std::string(list)).c_str(), augment, list);
  }
  return true;
}();

}  // namespace
}  // namespace frugal

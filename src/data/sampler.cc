#include "data/sampler.h"

#include <algorithm>
#include <map>
#include <utility>

namespace frugal {

void shuffle(std::vector<int32_t>& ids, const RandomStream& stream) {
  std::array<uint32_t, 4> words{};
  auto block = static_cast<uint32_t>(-1);
  for (auto i = static_cast<uint32_t>(ids.size()); i-- > 1;) {
    if (i / 4 != block) words = stream.block(0, block = i / 4);
    std::swap(ids[i], ids[uniform_below(words[i % 4], i + 1)]);
  }
}

std::vector<int32_t> epoch_order(std::span<const int32_t> ids, uint64_t seed, uint32_t epoch) {
  std::vector<int32_t> order(ids.begin(), ids.end());
  shuffle(order, RandomStream(seed, Purpose::shuffle, 0, epoch));
  return order;
}

std::vector<int32_t> balanced_order(std::span<const int32_t> ids, std::span<const int32_t> labels,
                                    uint64_t seed, uint32_t epoch) {
  std::map<int32_t, std::vector<int32_t>> by_class;
  for (const int32_t id : ids) by_class[labels[static_cast<size_t>(id)]].push_back(id);
  if (by_class.empty()) return {};
  uint32_t layer = 1;  // layer 0 is the last shuffle of all
  const auto next_stream = [&] { return RandomStream(seed, Purpose::shuffle, layer++, epoch); };
  std::vector<int32_t> classes;
  classes.reserve(by_class.size());
  for (const auto& [label, images] : by_class) classes.push_back(label);
  shuffle(classes, next_stream());  // the first of them come once more

  std::vector<int32_t> order;
  order.reserve(ids.size());
  const size_t times = ids.size() / classes.size(), more = ids.size() % classes.size();
  for (size_t i = 0; i < classes.size(); ++i) {
    std::vector<int32_t>& images = by_class[classes[i]];
    for (size_t left = times + (i < more ? 1 : 0); left > 0;) {
      shuffle(images, next_stream());
      const size_t taken = std::min(left, images.size());
      order.insert(order.end(), images.begin(), images.begin() + static_cast<std::ptrdiff_t>(taken));
      left -= taken;
    }
  }
  shuffle(order, RandomStream(seed, Purpose::shuffle, 0, epoch));
  return order;
}

}  // namespace frugal

#include "data/placement.h"

namespace frugal {

Placement place(std::span<const Augment> augment, uint64_t seed, uint32_t epoch, uint32_t draw,
                int64_t height, int64_t width) {
  Placement placement{.y = {.size = height}, .x = {.size = width}};
  for (size_t i = augment.size(); i-- > 0;) {
    const auto words = RandomStream(seed, Purpose::augment, static_cast<uint32_t>(i), epoch).block(draw, 0);
    switch (augment[i].kind) {
      case AugmentKind::flip:
        if (uniform_below(words[0], 2) == 1) placement.x.reverse();
        break;
      case AugmentKind::crop: {
        const int padding = augment[i].padding;
        const auto places = static_cast<uint32_t>(2 * padding + 1);
        placement.y.shift(static_cast<int64_t>(uniform_below(words[0], places)) - padding);
        placement.x.shift(static_cast<int64_t>(uniform_below(words[1], places)) - padding);
        break;
      }
    }
  }
  return placement;
}

}  // namespace frugal

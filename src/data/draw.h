// From an augmentation list to the changes of one image: every random number of augmentation is drawn here,
// from the counter-based generator, and depends on nothing but its key.
#pragma once

#include <cstdint>
#include <span>

#include "data/change.h"

namespace frugal {

/// Entry i of the list draws from (seed, augment, i, epoch, draw); alternating flip takes the image's own
/// number `id` in place of the draw.
struct DrawKey {
  uint64_t seed = 0;
  uint32_t epoch = 0, draw = 0;
  int32_t id = 0;
};

/// Writes what the list makes of this image to `changes`, in the order of the list; what cutout and erase
/// take away goes to `changes.erased`, which comes last. MixUp and CutMix are not of one image: see mix.h.
void draw_changes(std::span<const Augment> augment, const DrawKey& key, int64_t height, int64_t width,
                  Changes& changes);

}  // namespace frugal

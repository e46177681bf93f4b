// The one pass that a batch takes from the uint8 block to the network's input: gather, augment, normalise,
// convert.
#pragma once

#include <cstdint>
#include <span>

#include "base/tensor_view.h"
#include "data/augment.h"
#include "data/dataset.h"

namespace frugal {

/// How images become input. `seed`, `epoch` and the draw (position in the epoch's order) key every random
/// choice.
struct BatchRecipe {
  Normalization normalization = {};
  std::vector<Augment> augment = {};
  uint64_t seed = 0;
  uint32_t epoch = 0;
  std::span<const int32_t> order = {};  // the epoch's images, where MixUp and CutMix find partners
};

/// Writes images `ids` to `out` ([ids.size(), H, W, C], f32 or bf16, any strides with C innermost), resized
/// (by resize.h) after they are augmented where H x W is not their own size: pixel / 255, minus mean, over
/// std, in fp32, then rounded to out's type. Image i has draw first_draw + i. Black that a change brings in
/// is normalised as other pixels are, as torchvision's transformations before ToTensor and Normalize; what
/// cutout and erase take away is zero after it. Thread-safe.
void fill_batch(const ImageSet& images, std::span<const int32_t> ids, uint32_t first_draw,
                const BatchRecipe& recipe, const TensorView& out);

}  // namespace frugal

// What the frozen layers of a network make of images, computed once: where nothing below changes, an epoch
// costs only what is behind them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/tensor_view.h"
#include "data/dataset.h"
#include "nn/cut.h"
#include "nn/engine.h"
#include "train/batch_source.h"

namespace frugal {

/// Whether keeping what the part below the cut yields saves enough of a step's work: memory full of features
/// is not worth a first convolution.
bool worth_keeping(const CutGraph& cut);

/// One value [h, w, c] for each image of a set, in the engine's type.
class Features {
 public:
  /// Of all images of the set; nothing where `go_on` ended it. Leaves the engine evaluating `cut.below`: the
  /// caller says what comes next.
  static std::optional<Features> of(Engine& engine, const CutGraph& cut, const ImageSet& images,
                                    const Normalization& normalization, const GoOn& go_on);

  /// Writes those of images `ids` to `out` [n, h, w, c], dense and of the engine's type.
  void fill(std::span<const int32_t> ids, const TensorView& out) const;

  /// What they would take of memory.
  static int64_t bytes(const CutGraph& cut, const ImageSet& images, Precision precision);

 private:
  Features(size_t image_bytes, int64_t images);

  size_t image_bytes_;
  std::vector<std::byte> data_;
};

}  // namespace frugal

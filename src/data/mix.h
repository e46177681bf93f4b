// MixUp and CutMix: another image of the epoch is mixed in, and the label with it. Drawn for each image by
// itself, with any image of the epoch for a partner, so that neither batch nor shard has a say; the papers'
// code draws once a batch, with partners from it.
#pragma once

#include <cstdint>
#include <span>

#include "base/philox.h"
#include "data/augment.h"
#include "data/change.h"

namespace frugal {

/// How the image of a draw is mixed.
struct Mix {
  enum class Kind : uint8_t { none, mean, cut };
  Kind kind = Kind::none;
  uint32_t partner = 0;  // its draw: it comes as it is augmented there
  float own = 1;         // weight of the own image (mean) and of the own label
  Rectangle box;         // cut: shows the partner
};

/// Whether the list mixes at all: then labels are soft.
bool mixes(std::span<const Augment> augment);

/// Entry i draws from (seed, mix, i, epoch, draw). Of two entries one is taken, either alike. `draws` is the
/// number of images in the epoch.
Mix draw_mix(std::span<const Augment> augment, uint64_t seed, uint32_t epoch, uint32_t draw, uint32_t draws,
             int64_t height, int64_t width);

/// From the beta distribution with both parameters `alpha`, in [0, 1]: two gamma variates by Marsaglia and
/// Tsang, "A Simple Method for Generating Gamma Variables", ACM TOMS 26, 2000.
double draw_beta(double alpha, Dice& dice);

}  // namespace frugal

// The fourteen changes that RandAugment and TrivialAugment-Wide draw from, and how strong each is at each of
// 31 magnitudes: the tables of torchvision 0.14's RandAugment and TrivialAugmentWide.
#pragma once

#include <cstdint>

#include "data/change.h"

namespace frugal {

inline constexpr int space_ops = 14, space_magnitudes = 31;

enum class SpaceKind { randaugment, wide };

/// Whether op `op` of the space has a sign to be drawn.
bool is_signed(int op);
/// Whether the op has a magnitude at all.
bool has_magnitude(int op);
/// In the op's own unit: tangent, pixels, degrees, change of the factor, bits, threshold.
float space_magnitude(SpaceKind space, int op, int level, int64_t height, int64_t width);
/// Adds the change, if there is any: the first op is the identity.
void add_space_change(int op, double magnitude, int64_t height, int64_t width, std::vector<Change>& changes);

}  // namespace frugal

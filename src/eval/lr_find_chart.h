// The range test as a drawing: the loss by the logarithm of the learning rate.
#pragma once

#include <optional>
#include <string>

#include "train/lr_find.h"

namespace frugal {

/// A whole SVG file: every batch's loss, their running mean, and a mark at point `suggestion`.
std::string lr_find_svg(const LrCurve& curve, const LrSweep& sweep, std::optional<size_t> suggestion,
                        const std::string& title, const std::string& subtitle);

}  // namespace frugal

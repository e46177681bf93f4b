// A schedule as a drawing: the learning rate by epoch.
#pragma once

#include <span>
#include <string>

#include "train/rate_curve.h"

namespace frugal {

/// A whole SVG file. `epochs` is where the horizontal axis ends.
std::string schedule_svg(std::span<const RatePoint> points, int64_t epochs, const std::string& title,
                         const std::string& subtitle);

}  // namespace frugal

// Progressive image sizes: small images first, which cost less, the full ones towards the end (Howard's
// "progressive resizing", fast.ai, 2018).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace frugal {

/// From `progress` (of the run, in [0, 1)) on the shorter side of images has `size` pixels.
struct SizeStep {
  int64_t size = 0;
  double progress = 0;
};

/// "none" (empty), or "24@0,32@0.5": sizes at progresses that rise from 0. Anything else is a usage error.
std::vector<SizeStep> parse_resize(const std::string& text);

/// Which of the steps holds at `progress`.
const SizeStep& step_at(const std::vector<SizeStep>& steps, double progress);

}  // namespace frugal

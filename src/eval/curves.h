// The notebook's plot, as a file that any browser opens: losses and accuracies by epoch, plain SVG on its own
// white background, so that it reads alike on light and dark pages.
#pragma once

#include <span>
#include <string>

#include "train/trainer.h"

namespace frugal {

struct CurvesText {
  std::string title;       // "smallnet on cifar100"
  std::string subtitle;    // "test top-1 58.12 %", or empty
  int64_t best_epoch = 0;  // marked by a dashed line; 0: none
};

/// Two panels: loss; top-1 accuracy in percent. Values that are not finite leave a gap. An empty history
/// draws the axes alone.
std::string curves_svg(std::span<const EpochRecord> history, const CurvesText& text);

}  // namespace frugal

// What a network's guesses on labelled images are worth, class by class.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "eval/calibration.h"

namespace frugal {

struct ClassScore {
  int64_t images = 0, guessed = 0, right = 0;  // of this class; guesses of this class; both
  double precision = 0, recall = 0, f1 = 0;    // 0 where they would divide by 0, as scikit-learn's
};

struct SuperclassScore {
  double accuracy = 0;       // of the guesses' superclasses
  double errors_within = 0;  // share of the wrong guesses that are of the right superclass
};

struct Assessment {
  int64_t images = 0, top1 = 0, top3 = 0, top5 = 0;  // counts
  double loss = 0;                                   // mean cross-entropy
  std::vector<ClassScore> classes;
  std::vector<int64_t> confusion;  // [label, guess]
  std::optional<SuperclassScore> superclass;
  Calibration calibration;
};

/// `logits` are [labels, classes]; classes that cannot be guessed have -inf. `superclass_of` each class, -1
/// where it is not known; empty where there are none. Where a class was guessed whose superclass is not known
/// there are no figures of superclasses.
Assessment assess(std::span<const float> logits, std::span<const int32_t> labels, int64_t classes,
                  std::span<const int32_t> superclass_of);

/// The superclass of each class, as the images have them; -1 of a class without images. Empty where there are
/// no superclasses, or where a class has images of several.
std::vector<int32_t> superclasses(std::span<const int32_t> labels, std::span<const int32_t> coarse_labels,
                                  int64_t classes);

}  // namespace frugal

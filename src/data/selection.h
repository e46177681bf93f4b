// Part of a data set in place of the whole: some classes, a fraction of the training images, superclasses.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace frugal {

struct Selection {
  bool coarse = false;  // superclasses become the classes
  std::string classes =
      "all";  // then: numbers, ranges and names, "0-49,60,bear"; in that order they are numbered anew
  std::string task = "all";  // then: images of these of the classes, which stay as they are
  double fraction = 1;       // then: of the training images of every class; the test images stay
  uint64_t seed = 0;         // which those are
};

/// Does it to the data set. A data set without superclasses, unknown classes (the nearest name is suggested),
/// one class alone and a fraction outside (0, 1] are usage errors.
void select(Dataset& data, const Selection& selection);

/// The data set's own classes or superclasses of these names, in this order: what a model that was trained on
/// a selection knows. False, and nothing done, where some name is missing.
bool keep_classes(Dataset& data, const std::vector<std::string>& names);

/// The numbers of the classes that `text` names, each once; `flag` is for messages.
std::vector<int32_t> parse_classes(const std::string& text, const std::vector<std::string>& names,
                                   const std::string& flag = "--select");

}  // namespace frugal

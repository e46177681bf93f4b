// What a run takes from other networks.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "nn/parameters.h"
#include "train/teacher.h"

namespace frugal {

struct OutsideInputs {
  /// Overwrites what weights the run begins with, after they were initialised; returns which. Null: none.
  std::function<std::vector<int>(Parameters&)> initial_weights = {};
  /// Null: none.
  std::shared_ptr<TeacherModel> teacher = {};
};

}  // namespace frugal

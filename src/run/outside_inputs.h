// What a run takes from files of other networks: the weights to begin with, and the teacher.
#pragma once

#include <memory>

#include "data/dataset.h"
#include "graph/graph.h"
#include "run/from_file.h"
#include "train/config.h"
#include "train/outside.h"

namespace frugal {

/// When --from's file is read: a run that goes on needs it only if nothing had been saved.
enum class WhenRead { now, needed };

struct Outside {
  OutsideInputs inputs;
  std::shared_ptr<const InitialWeights> from;  // null where it was not read, or there is none
};

/// Files that cannot be read, or do not fit network and data, are Errors.
Outside outside_inputs(const TrainConfig& config, const Graph& graph, const Dataset& data,
                       WhenRead when = WhenRead::now);

/// Null without --teacher. It works in the precision and on the threads of the run.
std::shared_ptr<TeacherModel> load_teacher(const TrainConfig& config, const Dataset& data);

}  // namespace frugal

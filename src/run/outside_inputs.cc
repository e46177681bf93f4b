#include "run/outside_inputs.h"

#include <utility>

#include "base/error.h"
#include "eval/loaded_model.h"
#include "graph/table.h"
#include "train/trainer.h"

namespace frugal {

Outside outside_inputs(const TrainConfig& config, const Graph& graph, const Dataset& data, WhenRead when) {
  Outside outside;
  outside.inputs.teacher = load_teacher(config, data);
  if (config.from == "none") return outside;
  const auto read = [&config, &graph] {
    return std::make_shared<const InitialWeights>(read_initial_weights(config.from, graph));
  };
  if (when == WhenRead::now) outside.from = read();
  outside.inputs.initial_weights = [read, from = outside.from](Parameters& parameters) {
    const auto weights = from ? from : read();
    return copy_matched(weights->matching, weights->file.tensors, parameters);
  };
  return outside;
}

std::shared_ptr<TeacherModel> load_teacher(const TrainConfig& config, const Dataset& data) {
  if (config.teacher == "none") return nullptr;
  LoadedModel model = load_model(
      find_model(config.teacher),
      {.threads = config.threads, .batch = config.batch, .precision = choose_precision(config.precision)});
  const Shape images{data.train.height, data.train.width, data.train.channels};
  if (!(model.graph.input == images)) {
    throw usage_error("--teacher: " + model.graph.model + " was trained on images of another size than " +
                      shape_text(images));
  }
  if (model.info.classes != data.classes) {
    throw usage_error("--teacher: " + model.graph.model + " was trained for other classes than those of " +
                      data.name);
  }
  auto teacher = std::make_shared<TeacherModel>();
  teacher->engine = std::move(model.engine);
  teacher->normalization = model.info.normalization;
  return teacher;
}

}  // namespace frugal

#include "graph/presets.h"

#include "base/error.h"
#include "base/spec.h"

namespace frugal {

Graph make_model(const std::string& text, Shape input, int64_t classes) {
  if (classes < 1) throw usage_error("--classes: a classifier needs at least one class");
  const Spec spec = parse_spec(text, "--model");
  if (spec.name == "smallnet") {
    spec.expect({"conv-dropout", "dense-dropout", "dense-width"});
    SmallNetOptions options;
    options.conv_dropout = static_cast<float>(spec.number("conv-dropout", options.conv_dropout));
    options.dense_dropout = static_cast<float>(spec.number("dense-dropout", options.dense_dropout));
    options.dense_width = spec.integer("dense-width", options.dense_width);
    Graph graph = smallnet(input, classes, options);
    graph.model = text;
    return graph;
  }
  std::string known;
  for (const std::string& name : model_names()) known += (known.empty() ? "" : ", ") + name;
  throw usage_error("--model: there is no model '" + spec.name + "'; known: " + known);
}

std::vector<std::string> model_names() { return {"smallnet"}; }

}  // namespace frugal

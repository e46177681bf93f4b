// The notebook's two networks: the SmallNet that it ends with and the smaller one that it began from.
#include "graph/builder.h"
#include "graph/presets/preset.h"

namespace frugal {

Graph smallnet(Shape input, int64_t classes, const SmallNetOptions& options) {
  GraphBuilder net("smallnet", input);
  Value x = net.input();
  int64_t channels = 32;
  for (int block = 1; block <= options.convs; ++block, channels *= 2) {
    const std::string i = std::to_string(block);
    x = net.conv2d("conv" + i, x, scaled(channels, options.width), {.kernel = 3, .padding = 1});
    if (options.batch_norm) x = net.batch_norm("bn" + i, x);
    x = net.relu(x);
    x = net.dropout("do" + i, x, options.conv_dropout);
    x = net.max_pool(x, {.kernel = 2});
  }
  x = net.flatten(x);
  x = net.linear("fc1", x, scaled(options.dense_width, options.width));
  x = net.relu(x);
  x = net.dropout("do4", x, options.dense_dropout);
  x = net.linear("fc2", x, classes);
  return net.finish(x);
}

Graph baseline(Shape input, int64_t classes, double width) {
  return smallnet(input, classes,
                  {.convs = 2,
                   .batch_norm = false,
                   .conv_dropout = 0,
                   .dense_dropout = 0,
                   .dense_width = 200,
                   .width = width});
}

std::vector<Preset> smallnet_presets() {
  return {{"smallnet",
           "smallnet",
           {"convs", "batch-norm", "conv-dropout", "dense-dropout", "dense-width"},
           [](const PresetRequest& r) {
             SmallNetOptions o;
             o.convs = r.choice("convs", {"3", "2"}) == "2" ? 2 : 3;
             o.batch_norm = r.spec.flag("batch-norm", o.batch_norm);
             o.conv_dropout = r.rate("conv-dropout", o.conv_dropout);
             o.dense_dropout = r.rate("dense-dropout", o.dense_dropout);
             o.dense_width = r.spec.integer("dense-width", o.dense_width);
             o.width = r.width;
             return smallnet(r.input, r.classes, o);
           }},
          {"baseline", "baseline", {}, [](const PresetRequest& r) {
             return baseline(r.input, r.classes, r.width);
           }}};
}

}  // namespace frugal

// DenseNet-BC for CIFAR (Huang et al. 2017, "Densely connected convolutional networks"): every layer sees the
// concatenation of all before it in its block and adds `growth` channels. Names are torchvision's, whose stem
// for ImageNet the paper's single convolution replaces; initialisation is the paper's (He et al. 2015, by
// fan-out as in its Torch code).
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "graph/builder.h"
#include "graph/presets/preset.h"

namespace frugal {
namespace {

Value conv(GraphBuilder& net, const std::string& name, Value x, int64_t channels, int kernel) {
  return net.conv2d(
      name, x, channels,
      {.kernel = kernel, .padding = kernel / 2, .bias = false, .init = Init::kaiming_normal_fan_out});
}

/// The bottleneck of 1x1 to four times the growth, then 3x3 to the growth; behind what it was made from.
Value dense_layer(GraphBuilder& net, const std::string& name, Value x, int64_t growth, float dropout) {
  Value y = conv(net, name + ".conv1", net.relu(net.batch_norm(name + ".norm1", x)), 4 * growth, 1);
  y = conv(net, name + ".conv2", net.relu(net.batch_norm(name + ".norm2", y)), growth, 3);
  y = net.dropout(name + ".dropout", y, dropout);
  return net.concat({x, y});
}

Value transition(GraphBuilder& net, const std::string& name, Value x, double reduction) {
  const auto channels = static_cast<int64_t>(std::floor(static_cast<double>(net.shape(x).c) * reduction));
  x = net.relu(net.batch_norm(name + ".norm", x));
  x = conv(net, name + ".conv", x, std::max<int64_t>(1, channels), 1);
  return net.avg_pool(x, {.kernel = 2});
}

}  // namespace

Graph densenet_bc(Shape input, int64_t classes, const DenseNetOptions& options) {
  const std::string model =
      "densenet-bc-" + std::to_string(options.depth) + "-" + std::to_string(options.growth);
  const int layers = blocks_of_depth(model, options.depth, 6, 4);  // in each of the three dense blocks
  if (options.growth < 1 || options.growth > 10'000) {
    throw usage_error(model + ": the growth must be in 1 to 10000 channels");
  }
  if (!(options.reduction > 0 && options.reduction <= 1)) {
    throw usage_error(model + ": the reduction must be above 0 and at most 1");
  }
  const int64_t growth = scaled(options.growth, options.width, 4);
  GraphBuilder net(model, input);
  Value x = conv(net, "features.conv0", net.input(), 2 * growth, 3);
  for (int block = 1; block <= 3; ++block) {
    const std::string i = std::to_string(block);
    for (int layer = 1; layer <= layers; ++layer) {
      const std::string name = "features.denseblock" + i + ".denselayer" + std::to_string(layer);
      x = dense_layer(net, name, x, growth, options.dropout);
    }
    if (block < 3) x = transition(net, "features.transition" + i, x, options.reduction);
  }
  x = net.relu(net.batch_norm("features.norm5", x));
  x = net.adaptive_avg_pool(x);
  x = net.linear("classifier", x, classes, true, Init::uniform_fan_in, 0, Init::zeros);
  return net.finish(x);
}

std::vector<Preset> densenet_presets() {
  return {{"densenet-bc-L-K", "densenet-bc-100-12", {"reduction", "dropout"}, [](const PresetRequest& r) {
             return densenet_bc(r.input, r.classes,
                                {.depth = static_cast<int>(r.numbers[0]),
                                 .growth = r.numbers[1],
                                 .reduction = r.spec.number("reduction", 0.5),
                                 .dropout = r.rate("dropout", 0),
                                 .width = r.width});
           }}};
}

}  // namespace frugal

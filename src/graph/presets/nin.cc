// Network in network (Lin et al. 2013) for CIFAR: three convolutions, each followed by two of 1x1 (the
// paper's mlpconv), and a global average in place of dense layers. Widths, layer names ("cccp": cascaded
// cross-channel parametric pooling) and the initial deviation of 0.05 are those of the first author's Caffe
// model; Caffe's pools round up.
#include "graph/builder.h"
#include "graph/presets/preset.h"

namespace frugal {
namespace {

Value conv_relu(GraphBuilder& net, const std::string& name, Value x, int64_t channels, int kernel) {
  return net.relu(net.conv2d(name, x, channels,
                             {.kernel = kernel,
                              .padding = kernel / 2,
                              .init = Init::normal,
                              .init_value = 0.05f,
                              .bias_init = Init::zeros}));
}

}  // namespace

Graph nin(Shape input, int64_t classes, const NinOptions& options) {
  GraphBuilder net("nin", input);
  const PoolOptions pool{.kernel = 3, .stride = 2, .ceil_mode = true};
  const auto wide = [&](int64_t channels) { return scaled(channels, options.width); };
  Value x = conv_relu(net, "conv1", net.input(), wide(192), 5);
  x = conv_relu(net, "cccp1", x, wide(160), 1);
  x = conv_relu(net, "cccp2", x, wide(96), 1);
  x = net.dropout("drop1", net.max_pool(x, pool), options.dropout);
  x = conv_relu(net, "conv2", x, wide(192), 5);
  x = conv_relu(net, "cccp3", x, wide(192), 1);
  x = conv_relu(net, "cccp4", x, wide(192), 1);
  x = net.dropout("drop2", net.avg_pool(x, pool), options.dropout);
  x = conv_relu(net, "conv3", x, wide(192), 3);
  x = conv_relu(net, "cccp5", x, wide(192), 1);
  x = conv_relu(net, "cccp6", x, classes, 1);
  x = net.adaptive_avg_pool(x);
  return net.finish(x);
}

std::vector<Preset> nin_presets() {
  return {{"nin", "nin", {"dropout"}, [](const PresetRequest& r) {
             return nin(r.input, r.classes, {.dropout = r.rate("dropout", 0.5f), .width = r.width});
           }}};
}

}  // namespace frugal

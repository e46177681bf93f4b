// SqueezeNet 1.1 (Iandola et al. 2016; version 1.1 is the authors' later one, with fewer multiplications)
// with the names, shapes and initialisation of torchvision.models.squeezenet: pools that round up, and a
// convolution as the classifier.
#include "graph/builder.h"
#include "graph/presets/preset.h"

namespace frugal {
namespace {

Value conv_relu(GraphBuilder& net, const std::string& name, Value x, int64_t channels,
                const ConvOptions& options) {
  ConvOptions o = options;
  o.init = Init::kaiming_uniform;
  o.bias_init = Init::zeros;
  return net.relu(net.conv2d(name, x, channels, o));
}

/// 1x1 to `squeeze` channels, then 1x1 and 3x3 beside each other to `expand` channels each.
Value fire(GraphBuilder& net, const std::string& name, Value x, int64_t squeeze, int64_t expand) {
  x = conv_relu(net, name + ".squeeze", x, squeeze, {.kernel = 1});
  const Value a = conv_relu(net, name + ".expand1x1", x, expand, {.kernel = 1});
  const Value b = conv_relu(net, name + ".expand3x3", x, expand, {.kernel = 3, .padding = 1});
  return net.concat({a, b});
}

}  // namespace

Graph squeezenet1_1(Shape input, int64_t classes, const SqueezeNetOptions& options) {
  GraphBuilder net("squeezenet1_1", input);
  const PoolOptions pool{.kernel = 3, .stride = 2, .ceil_mode = true};
  const auto wide = [&](int64_t channels) { return scaled(channels, options.width); };
  const auto fires = [&](const char* name, Value x, int64_t squeeze, int64_t expand) {
    return fire(net, name, x, wide(squeeze), wide(expand));
  };
  Value x = conv_relu(net, "features.0", net.input(), wide(64), {.kernel = 3, .stride = 2});
  x = net.max_pool(x, pool);
  x = fires("features.3", x, 16, 64);
  x = fires("features.4", x, 16, 64);
  x = net.max_pool(x, pool);
  x = fires("features.6", x, 32, 128);
  x = fires("features.7", x, 32, 128);
  x = net.max_pool(x, pool);
  x = fires("features.9", x, 48, 192);
  x = fires("features.10", x, 48, 192);
  x = fires("features.11", x, 64, 256);
  x = fires("features.12", x, 64, 256);
  x = net.dropout("classifier.0", x, options.dropout);
  x = net.conv2d("classifier.1", x, classes,
                 {.kernel = 1, .init = Init::normal, .init_value = 0.01f, .bias_init = Init::zeros});
  x = net.relu(x);
  x = net.adaptive_avg_pool(x);
  return net.finish(x);
}

std::vector<Preset> squeezenet_presets() {
  return {{"squeezenet1_1", "squeezenet1_1", {"dropout"}, [](const PresetRequest& r) {
             return squeezenet1_1(r.input, r.classes, {.dropout = r.rate("dropout", 0.5f), .width = r.width});
           }}};
}

}  // namespace frugal

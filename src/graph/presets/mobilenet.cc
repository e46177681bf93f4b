// MobileNetV2 (Sandler et al. 2018, "Inverted residuals and linear bottlenecks", table 2) with the names,
// shapes and initialisation of torchvision.models.mobilenetv2. `stem=cifar` is the usual form for 32 pixels
// (kuangliu/pytorch-cifar): the first convolution and the first block of stride 2 have stride 1, so that the
// last maps have 4x4 pixels; nothing else differs.
#include <algorithm>
#include <array>

#include "graph/builder.h"
#include "graph/presets/preset.h"

namespace frugal {
namespace {

struct Row {
  int expansion;
  int64_t channels;
  int repeats, stride;
};
constexpr std::array<Row, 7> table_2 = {{{1, 16, 1, 1},
                                         {6, 24, 2, 2},
                                         {6, 32, 3, 2},
                                         {6, 64, 4, 2},
                                         {6, 96, 3, 1},
                                         {6, 160, 3, 2},
                                         {6, 320, 1, 1}}};

struct Unit {
  int64_t channels;
  int kernel = 1, stride = 1, groups = 1;
};

/// torchvision's Conv2dNormActivation without its activation: `norm` is a sibling of the convolution.
Value conv_norm(GraphBuilder& net, const std::string& conv, const std::string& norm, Value x,
                const Unit& unit, const NormOptions& options = {}) {
  x = net.conv2d(conv, x, unit.channels,
                 {.kernel = unit.kernel,
                  .stride = unit.stride,
                  .padding = unit.kernel / 2,
                  .groups = unit.groups,
                  .bias = false,
                  .init = Init::kaiming_normal_fan_out});
  return net.batch_norm(norm, x, options);
}

Value conv_norm_relu6(GraphBuilder& net, const std::string& name, Value x, const Unit& unit) {
  return net.activation(conv_norm(net, name + ".0", name + ".1", x, unit), Activation::relu6);
}

/// 1x1 to `expansion` times the channels, 3x3 depthwise, 1x1 down again without activation.
Value inverted_residual(GraphBuilder& net, const std::string& name, Value x, int64_t channels, int expansion,
                        int stride, bool zero_init) {
  const int64_t inputs = net.shape(x).c, hidden = inputs * expansion;
  const bool residual = stride == 1 && inputs == channels;
  int i = 0;
  const auto next = [&] { return name + ".conv." + std::to_string(i++); };
  Value y = x;
  if (expansion != 1) y = conv_norm_relu6(net, next(), y, {.channels = hidden});
  y = conv_norm_relu6(
      net, next(), y,
      {.channels = hidden, .kernel = 3, .stride = stride, .groups = static_cast<int>(hidden)});
  const std::string project = next(), norm = next();
  y = conv_norm(net, project, norm, y, {.channels = channels},
                {.weight_init = zero_init && residual ? Init::zeros : Init::ones});
  return residual ? net.add(x, y) : y;
}

}  // namespace

Graph mobilenetv2(Shape input, int64_t classes, const MobileNetV2Options& options) {
  GraphBuilder net("mobilenetv2", input);
  const bool small = options.stem == Stem::cifar;
  int index = 0;
  const auto next = [&] { return "features." + std::to_string(index++); };
  Value x = conv_norm_relu6(net, next(), net.input(),
                            {.channels = scaled(32, options.width), .kernel = 3, .stride = small ? 1 : 2});
  for (size_t row = 0; row < table_2.size(); ++row) {
    const auto& [expansion, channels, repeats, published] = table_2[row];
    const int stride = small && row == 1 ? 1 : published;
    for (int i = 0; i < repeats; ++i) {
      x = inverted_residual(net, next(), x, scaled(channels, options.width), expansion, i == 0 ? stride : 1,
                            options.zero_init);
    }
  }
  // The last layer stays as wide as published in narrower networks.
  x = conv_norm_relu6(net, next(), x, {.channels = scaled(1280, std::max(1.0, options.width))});
  x = net.adaptive_avg_pool(x);
  x = net.dropout("classifier.0", x, options.dropout);
  x = net.linear("classifier.1", x, classes, true, Init::normal, 0.01f, Init::zeros);
  return net.finish(x);
}

std::vector<Preset> mobilenet_presets() {
  return {{"mobilenetv2", "mobilenetv2", {"stem", "dropout", "zero-init"}, [](const PresetRequest& r) {
             return mobilenetv2(r.input, r.classes,
                                {.stem = r.stem(),
                                 .dropout = r.rate("dropout", 0.2f),
                                 .zero_init = r.spec.flag("zero-init", false),
                                 .width = r.width});
           }}};
}

}  // namespace frugal

// The ResNets for ImageNet (He et al. 2016, "Deep residual learning for image recognition", table 1) with the
// names, shapes and initialisation of torchvision.models.resnet, so that its weights fit.
#include <array>

#include "base/error.h"
#include "graph/builder.h"
#include "graph/presets/preset.h"
#include "graph/presets/residual.h"

namespace frugal {
namespace {

/// Two 3x3 convolutions, or with `expansion` 4 the bottleneck of 1x1, 3x3 with the stride, and 1x1.
Value block(GraphBuilder& net, const std::string& name, Value x, int64_t channels, int expansion, int stride,
            bool zero_init) {
  const NormOptions last{.weight_init = zero_init ? Init::zeros : Init::ones};
  const int64_t out = channels * expansion;
  Value y = x;
  if (expansion == 1) {
    y = net.relu(net.batch_norm(name + ".bn1", residual_conv(net, name + ".conv1", y, channels, 3, stride)));
    y = net.batch_norm(name + ".bn2", residual_conv(net, name + ".conv2", y, out, 3), last);
  } else {
    y = net.relu(net.batch_norm(name + ".bn1", residual_conv(net, name + ".conv1", y, channels, 1)));
    y = net.relu(net.batch_norm(name + ".bn2", residual_conv(net, name + ".conv2", y, channels, 3, stride)));
    y = net.batch_norm(name + ".bn3", residual_conv(net, name + ".conv3", y, out, 1), last);
  }
  if (stride != 1 || net.shape(x).c != out) {
    x = net.batch_norm(name + ".downsample.1", residual_conv(net, name + ".downsample.0", x, out, 1, stride));
  }
  return net.relu(net.add(y, x));
}

Graph from_spec(const PresetRequest& r, int depth) {
  return resnet(
      r.input, r.classes,
      {.depth = depth, .stem = r.stem(), .zero_init = r.spec.flag("zero-init", false), .width = r.width});
}

}  // namespace

Graph resnet(Shape input, int64_t classes, const ResNetOptions& options) {
  const std::string model = "resnet" + std::to_string(options.depth);
  std::array<int, 4> blocks{};
  switch (options.depth) {
    case 18:
      blocks = {2, 2, 2, 2};
      break;
    case 34:
    case 50:
      blocks = {3, 4, 6, 3};
      break;
    default:
      throw usage_error(model + ": ImageNet's ResNets here have 18, 34 or 50 layers");
  }
  const int expansion = options.depth >= 50 ? 4 : 1;
  GraphBuilder net(model, input);
  const int64_t first = scaled(64, options.width);
  const bool small = options.stem == Stem::cifar;
  Value x = residual_conv(net, "conv1", net.input(), first, small ? 3 : 7, small ? 1 : 2);
  x = net.relu(net.batch_norm("bn1", x));
  if (!small) x = net.max_pool(x, {.kernel = 3, .stride = 2, .padding = 1});
  for (int stage = 1; stage <= 4; ++stage) {
    const int64_t channels = scaled(32 << stage, options.width);  // 64, 128, 256, 512
    for (int i = 0; i < blocks[static_cast<size_t>(stage - 1)]; ++i) {
      const std::string name = "layer" + std::to_string(stage) + "." + std::to_string(i);
      x = block(net, name, x, channels, expansion, stage > 1 && i == 0 ? 2 : 1, options.zero_init);
    }
  }
  x = net.adaptive_avg_pool(x);
  x = net.linear("fc", x, classes);
  return net.finish(x);
}

std::vector<Preset> resnet_presets() {
  const std::vector<std::string> options = {"stem", "zero-init"};
  return {{"resnet18", "resnet18", options, [](const PresetRequest& r) { return from_spec(r, 18); }},
          {"resnet34", "resnet34", options, [](const PresetRequest& r) { return from_spec(r, 34); }},
          {"resnet50", "resnet50", options, [](const PresetRequest& r) { return from_spec(r, 50); }}};
}

}  // namespace frugal

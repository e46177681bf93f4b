// ResNet-164 for CIFAR (He et al. 2016, "Identity mappings in deep residual networks"): bottlenecks whose
// batch-norms and ReLUs come before the convolutions, as in the authors' KaimingHe/resnet-1k-layers. There a
// block that changes the channels shares its first norm and ReLU with its shortcut, and the first convolution
// has the stride. Names are bearpaw/pytorch-classification's.
#include "graph/builder.h"
#include "graph/presets/preset.h"
#include "graph/presets/residual.h"

namespace frugal {
namespace {

Value bottleneck(GraphBuilder& net, const std::string& name, Value x, int64_t channels, int stride) {
  const bool projected = stride != 1 || net.shape(x).c != channels * 4;
  Value y = net.relu(net.batch_norm(name + ".bn1", x));
  if (projected) x = y;
  y = residual_conv(net, name + ".conv1", y, channels, 1, stride);
  y = net.relu(net.batch_norm(name + ".bn2", y));
  y = residual_conv(net, name + ".conv2", y, channels, 3);
  y = net.relu(net.batch_norm(name + ".bn3", y));
  y = residual_conv(net, name + ".conv3", y, channels * 4, 1);
  return net.add(y, projected ? residual_conv(net, name + ".downsample.0", x, channels * 4, 1, stride) : x);
}

}  // namespace

Graph preact_resnet(Shape input, int64_t classes, const PreActResNetOptions& options) {
  const std::string model = "resnet" + std::to_string(options.depth);
  const int blocks = blocks_of_depth(model, options.depth, 9, 2);
  GraphBuilder net(model, input);
  Value x = residual_conv(net, "conv1", net.input(), scaled(16, options.width), 3);
  for (int stage = 1; stage <= 3; ++stage) {
    const int64_t channels = scaled(8 << stage, options.width);  // 16, 32, 64; four times as many come out
    for (int block = 0; block < blocks; ++block) {
      const std::string name = "layer" + std::to_string(stage) + "." + std::to_string(block);
      x = bottleneck(net, name, x, channels, stage > 1 && block == 0 ? 2 : 1);
    }
  }
  x = net.relu(net.batch_norm("bn", x));
  x = net.adaptive_avg_pool(x);
  x = net.linear("fc", x, classes, true, Init::uniform_fan_in, 0, Init::zeros);
  return net.finish(x);
}

std::vector<Preset> preact_resnet_presets() {
  return {{"resnet164", "resnet164", {}, [](const PresetRequest& r) {
             return preact_resnet(r.input, r.classes, {.depth = 164, .width = r.width});
           }}};
}

}  // namespace frugal

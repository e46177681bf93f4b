// VGG-11 and VGG-16 (Simonyan & Zisserman 2015, columns A and D of table 1) with batch-norm, in their usual
// form for CIFAR: the convolutions, then one dense layer. Names are kuangliu/pytorch-cifar's; initialisation
// is that of torchvision.models.vgg. Images above 32 pixels are averaged to 1x1 before the dense layer.
#include "base/error.h"
#include "graph/builder.h"
#include "graph/presets/preset.h"

namespace frugal {
namespace {

constexpr int64_t pool = 0;

std::vector<int64_t> column(int depth) {
  switch (depth) {
    case 11:
      return {64, pool, 128, pool, 256, 256, pool, 512, 512, pool, 512, 512, pool};
    case 16:
      return {64, 64, pool, 128, 128, pool, 256, 256, 256, pool, 512, 512, 512, pool, 512, 512, 512, pool};
    default:
      throw usage_error("vgg" + std::to_string(depth) + ": VGGs here have 11 or 16 layers");
  }
}

Graph from_spec(const PresetRequest& r, int depth) {
  return vgg(r.input, r.classes, {.depth = depth, .width = r.width});
}

}  // namespace

Graph vgg(Shape input, int64_t classes, const VggOptions& options) {
  GraphBuilder net("vgg" + std::to_string(options.depth), input);
  Value x = net.input();
  int index = 0;  // in the reference's nn.Sequential, where ReLU and pooling count too
  for (int64_t channels : column(options.depth)) {
    if (channels == pool) {
      x = net.max_pool(x, {.kernel = 2});
      index += 1;
      continue;
    }
    x = net.conv2d(
        "features." + std::to_string(index), x, scaled(channels, options.width),
        {.kernel = 3, .padding = 1, .init = Init::kaiming_normal_fan_out, .bias_init = Init::zeros});
    x = net.relu(net.batch_norm("features." + std::to_string(index + 1), x));
    index += 3;
  }
  x = net.adaptive_avg_pool(x);
  x = net.linear("classifier", x, classes, true, Init::normal, 0.01f, Init::zeros);
  return net.finish(x);
}

std::vector<Preset> vgg_presets() {
  return {{"vgg11", "vgg11", {}, [](const PresetRequest& r) { return from_spec(r, 11); }},
          {"vgg16", "vgg16", {}, [](const PresetRequest& r) { return from_spec(r, 16); }}};
}

}  // namespace frugal

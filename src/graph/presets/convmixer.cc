// ConvMixer (Trockman & Kolter 2022, "Patches are all you need?"): patches, then blocks that mix positions by
// a depthwise and channels by a 1x1 convolution. Names are timm's; for CIFAR the authors have ConvMixer-256/8
// with kernel 5 and patches of 2 (locuslab/convmixer-cifar10); initialisation is PyTorch's default.
#include "base/error.h"
#include "graph/builder.h"
#include "graph/presets/preset.h"

namespace frugal {
namespace {

Value gelu_norm(GraphBuilder& net, const std::string& norm, Value x) {
  return net.batch_norm(norm, net.activation(x, Activation::gelu));
}

}  // namespace

Graph convmixer(Shape input, int64_t classes, const ConvMixerOptions& options) {
  const std::string model = "convmixer-" + std::to_string(options.dim) + "-" + std::to_string(options.depth);
  if (options.kernel < 1 || options.kernel % 2 == 0) {
    throw usage_error(model + ": the kernel must be odd, so that its padding is the same on both sides");
  }
  blocks_of_depth(model, options.depth, 1, 0);
  const int64_t dim = scaled(options.dim, options.width);
  GraphBuilder net(model, input);
  Value x = net.conv2d("stem.0", net.input(), dim, {.kernel = options.patch, .stride = options.patch});
  x = gelu_norm(net, "stem.2", x);
  for (int i = 0; i < options.depth; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    Value y = net.conv2d(
        block + ".0.fn.0", x, dim,
        {.kernel = options.kernel, .padding = options.kernel / 2, .groups = static_cast<int>(dim)});
    x = net.add(gelu_norm(net, block + ".0.fn.2", y), x);
    x = net.conv2d(block + ".1", x, dim, {.kernel = 1});
    x = gelu_norm(net, block + ".3", x);
  }
  x = net.adaptive_avg_pool(x);
  x = net.linear("head", x, classes);
  return net.finish(x);
}

std::vector<Preset> convmixer_presets() {
  return {{"convmixer-D-N", "convmixer-256-8", {"kernel", "patch"}, [](const PresetRequest& r) {
             return convmixer(r.input, r.classes,
                              {.dim = r.numbers[0],
                               .depth = static_cast<int>(r.numbers[1]),
                               .kernel = r.small_integer("kernel", 5),
                               .patch = r.small_integer("patch", 2),
                               .width = r.width});
           }}};
}

}  // namespace frugal

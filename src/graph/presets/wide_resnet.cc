// Wide residual networks (Zagoruyko & Komodakis 2016): pre-activation basic blocks, few and wide. Names and
// initialisation are xternalz/WideResNet-pytorch's; there a block that changes the channels shares its first
// norm and ReLU with its shortcut.
#include "base/error.h"
#include "graph/builder.h"
#include "graph/presets/preset.h"
#include "graph/presets/residual.h"

namespace frugal {
namespace {

Value basic_block(GraphBuilder& net, const std::string& name, Value x, int64_t channels, int stride,
                  float dropout) {
  const bool projected = stride != 1 || net.shape(x).c != channels;
  Value y = net.relu(net.batch_norm(name + ".bn1", x));
  if (projected) x = y;
  y = residual_conv(net, name + ".conv1", y, channels, 3, stride);
  y = net.relu(net.batch_norm(name + ".bn2", y));
  // Where the paper has it; the PyTorch code drops before the norm.
  y = net.dropout(name + ".dropout", y, dropout);
  y = residual_conv(net, name + ".conv2", y, channels, 3);
  return net.add(y, projected ? residual_conv(net, name + ".convShortcut", x, channels, 1, stride) : x);
}

}  // namespace

Graph wide_resnet(Shape input, int64_t classes, const WideResNetOptions& options) {
  const std::string model = "wrn-" + std::to_string(options.depth) + "-" + std::to_string(options.widen);
  const int blocks = blocks_of_depth(model, options.depth, 6, 4);
  if (options.widen < 1 || options.widen > 10'000) {
    throw usage_error(model + ": the widening factor must be in 1 to 10000");
  }
  GraphBuilder net(model, input);
  Value x = residual_conv(net, "conv1", net.input(), scaled(16, options.width), 3);
  for (int stage = 1; stage <= 3; ++stage) {
    const int64_t channels = scaled((8 << stage) * options.widen, options.width);  // 16K, 32K, 64K
    for (int i = 0; i < blocks; ++i) {
      const std::string name = "block" + std::to_string(stage) + ".layer." + std::to_string(i);
      x = basic_block(net, name, x, channels, stage > 1 && i == 0 ? 2 : 1, options.dropout);
    }
  }
  x = net.relu(net.batch_norm("bn1", x));
  x = net.adaptive_avg_pool(x);
  x = net.linear("fc", x, classes, true, Init::uniform_fan_in, 0, Init::zeros);
  return net.finish(x);
}

std::vector<Preset> wide_resnet_presets() {
  return {{"wrn-D-K", "wrn-16-2", {"dropout"}, [](const PresetRequest& r) {
             return wide_resnet(r.input, r.classes,
                                {.depth = static_cast<int>(r.numbers[0]),
                                 .widen = r.numbers[1],
                                 .dropout = r.rate("dropout", 0),
                                 .width = r.width});
           }}};
}

}  // namespace frugal

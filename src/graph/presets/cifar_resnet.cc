// The ResNets for CIFAR (He et al. 2016, "Deep residual learning for image recognition", section 4.2): 3x3
// convolutions in three stages of n blocks. Names and initialisation are akamaster/pytorch_resnet_cifar10's.
// With squeeze-and-excitation at the end of each block (Hu et al. 2018, "Squeeze-and-excitation networks")
// they are moskomule/senet.pytorch's, whose shortcuts are of type B.
#include <algorithm>

#include "base/error.h"
#include "graph/builder.h"
#include "graph/presets/preset.h"

namespace frugal {
namespace {

Value conv3x3(GraphBuilder& net, const std::string& name, Value x, int64_t channels, int stride = 1) {
  return net.conv2d(
      name, x, channels,
      {.kernel = 3, .stride = stride, .padding = 1, .bias = false, .init = Init::kaiming_normal});
}

/// x where its shape stays; else every second position with zeros for the new channels (type A, which has no
/// parameters) or a projection (type B).
Value shortcut(GraphBuilder& net, const std::string& name, Value x, int64_t channels, int stride, char type) {
  const int64_t grown = channels - net.shape(x).c;
  if (stride == 1 && grown == 0) return x;
  if (type == 'A') return net.pad_channels(x, grown / 2, grown - grown / 2, stride);
  x = net.conv2d(name + ".0", x, channels,
                 {.kernel = 1, .stride = stride, .bias = false, .init = Init::kaiming_normal});
  return net.batch_norm(name + ".1", x);
}

Value squeeze_and_excite(GraphBuilder& net, const std::string& name, Value x, int64_t reduction = 16) {
  const int64_t channels = net.shape(x).c;
  Value s = net.adaptive_avg_pool(x);
  s = net.relu(net.linear(name + ".fc.0", s, std::max<int64_t>(1, channels / reduction), false));
  s = net.activation(net.linear(name + ".fc.2", s, channels, false), Activation::sigmoid);
  return net.gate(x, s);
}

Value basic_block(GraphBuilder& net, const std::string& name, Value x, int64_t channels, int stride,
                  const CifarResNetOptions& o) {
  Value y = conv3x3(net, name + ".conv1", x, channels, stride);
  y = net.relu(net.batch_norm(name + ".bn1", y));
  y = conv3x3(net, name + ".conv2", y, channels);
  y = net.batch_norm(name + ".bn2", y, {.weight_init = o.zero_init ? Init::zeros : Init::ones});
  if (o.squeeze_excite) y = squeeze_and_excite(net, name + ".se", y);
  const std::string around = name + (o.squeeze_excite ? ".downsample" : ".shortcut");
  return net.relu(net.add(y, shortcut(net, around, x, channels, stride, o.shortcut)));
}

Graph from_spec(const PresetRequest& r, int depth) {
  return cifar_resnet(r.input, r.classes,
                      {.depth = depth,
                       .shortcut = r.choice("shortcut", {"A", "B"})[0],
                       .zero_init = r.spec.flag("zero-init", false),
                       .width = r.width});
}

Graph se_from_spec(const PresetRequest& r) {
  return cifar_resnet(r.input, r.classes,
                      {.depth = 56,
                       .shortcut = 'B',
                       .squeeze_excite = true,
                       .zero_init = r.spec.flag("zero-init", false),
                       .width = r.width});
}

}  // namespace

Graph cifar_resnet(Shape input, int64_t classes, const CifarResNetOptions& options) {
  const std::string model = (options.squeeze_excite ? "se-resnet" : "resnet") + std::to_string(options.depth);
  const int blocks = blocks_of_depth(model, options.depth, 6, 2);
  GraphBuilder net(model, input);
  Value x = conv3x3(net, "conv1", net.input(), scaled(16, options.width));
  x = net.relu(net.batch_norm("bn1", x));
  for (int stage = 1; stage <= 3; ++stage) {
    const int64_t channels = scaled(8 << stage, options.width);  // 16, 32, 64
    for (int block = 0; block < blocks; ++block) {
      const std::string name = "layer" + std::to_string(stage) + "." + std::to_string(block);
      x = basic_block(net, name, x, channels, stage > 1 && block == 0 ? 2 : 1, options);
    }
  }
  x = net.adaptive_avg_pool(x);
  x = options.squeeze_excite ? net.linear("fc", x, classes)
                             : net.linear("linear", x, classes, true, Init::kaiming_normal);
  return net.finish(x);
}

std::vector<Preset> cifar_resnet_presets() {
  const std::vector<std::string> options = {"shortcut", "zero-init"};
  return {
      {"resnet20", "resnet20", options, [](const PresetRequest& r) { return from_spec(r, 20); }},
      {"resnet32", "resnet32", options, [](const PresetRequest& r) { return from_spec(r, 32); }},
      {"resnet44", "resnet44", options, [](const PresetRequest& r) { return from_spec(r, 44); }},
      {"resnet56", "resnet56", options, [](const PresetRequest& r) { return from_spec(r, 56); }},
      {"resnet110", "resnet110", options, [](const PresetRequest& r) { return from_spec(r, 110); }},
      {"se-resnet56", "se-resnet56", {"zero-init"}, se_from_spec},
  };
}

}  // namespace frugal

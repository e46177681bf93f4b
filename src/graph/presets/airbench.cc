// Keller Jordan's networks for the fastest training to 94 % and 96 % on CIFAR-10 (2024, "94% on CIFAR-10 in
// 3.29 seconds on a single GPU"), after airbench94.py and airbench96.py of his cifar10-airbench: a frozen 2x2
// convolution that whitens patches of the training images, three groups of convolutions that begin as the
// identity, batch-norms without a trained weight, and logits divided by nine. Names are those of his later
// airbench94_muon.py, which has the same layers.
#include <array>

#include "base/error.h"
#include "graph/builder.h"
#include "graph/presets/preset.h"

namespace frugal {
namespace {

Value conv3x3(GraphBuilder& net, const std::string& name, Value x, int64_t channels) {
  return net.conv2d(name, x, channels, {.kernel = 3, .padding = 1, .bias = false, .init = Init::dirac});
}

struct Version {
  std::array<int64_t, 3> widths;
  int convs;       // in each group
  float momentum;  // of running statistics, as PyTorch means it; his 0.6 is the old ones' share
};

Value norm(GraphBuilder& net, const std::string& name, Value x, const Version& version) {
  return net.batch_norm(name, x, {.eps = 1e-12f, .momentum = version.momentum, .trainable_weight = false});
}

Value gelu(GraphBuilder& net, Value x) { return net.activation(x, Activation::gelu); }

/// Two convolutions, the pool behind the first; airbench96 has a third, and a shortcut around the last two.
Value group(GraphBuilder& net, const std::string& name, Value x, int64_t channels, const Version& version) {
  x = net.max_pool(conv3x3(net, name + ".conv1", x, channels), {.kernel = 2});
  x = gelu(net, norm(net, name + ".norm1", x, version));
  const Value first = x;
  x = norm(net, name + ".norm2", conv3x3(net, name + ".conv2", x, channels), version);
  if (version.convs == 3) {
    x = norm(net, name + ".norm3", conv3x3(net, name + ".conv3", gelu(net, x), channels), version);
    x = net.add(x, first);
  }
  return gelu(net, x);
}

Graph from_spec(const PresetRequest& r, int version) {
  return airbench(r.input, r.classes, {.version = version, .width = r.width});
}

}  // namespace

Graph airbench(Shape input, int64_t classes, const AirbenchOptions& options) {
  const std::string model = "airbench" + std::to_string(options.version);
  if (options.version != 94 && options.version != 96) {
    throw usage_error(model + ": there are airbench94 and airbench96");
  }
  const Version version =
      options.version == 94 ? Version{{64, 256, 256}, 2, 0.4f} : Version{{128, 384, 512}, 3, 0.1f};
  GraphBuilder net(model, input);
  // Each eigenvector of the patches, and its negative.
  constexpr int patch = 2;
  Value x =
      net.conv2d("whiten", net.input(), 2 * input.c * patch * patch,
                 {.kernel = patch, .init = Init::whitening, .trainable = false, .bias_init = Init::zeros});
  x = gelu(net, x);
  for (size_t i = 0; i < version.widths.size(); ++i) {
    x = group(net, "layers." + std::to_string(i + 1), x, scaled(version.widths[i], options.width), version);
  }
  // His window of 3 is all that is left of 32 pixels; this takes images of other sizes too.
  x = net.adaptive_max_pool(x);
  // His logits are divided by nine; before a head without bias that is the same, and they stay fp32.
  x = net.multiply(x, 1.0f / 9);
  return net.finish(net.linear("head", x, classes, false));
}

std::vector<Preset> airbench_presets() {
  return {{"airbench94", "airbench94", {}, [](const PresetRequest& r) { return from_spec(r, 94); }},
          {"airbench96", "airbench96", {}, [](const PresetRequest& r) { return from_spec(r, 96); }}};
}

}  // namespace frugal

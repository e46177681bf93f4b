// Keller Jordan's networks for the fastest training to 94 % and 96 % on CIFAR-10 (2024, "94% on CIFAR-10
// in 3.29 seconds on a single GPU"), as in his cifar10-airbench: a frozen 2x2 convolution that whitens
// patches of the training images, three groups of convolutions that begin as the identity, batch-norms
// without a trained weight, and logits divided by nine. Names are those of his nn.Sequential.
#include "base/error.h"
#include "graph/builder.h"
#include "graph/presets/preset.h"

namespace frugal {
namespace {

Value conv3x3(GraphBuilder& net, const std::string& name, Value x, int64_t channels) {
  return net.conv2d(name, x, channels, {.kernel = 3, .padding = 1, .bias = false, .init = Init::dirac});
}

Value norm_gelu(GraphBuilder& net, const std::string& name, Value x) {
  // He writes the momentum as what remains of the old statistics, 0.6; PyTorch's is the new ones' share.
  x = net.batch_norm(name, x, {.eps = 1e-12f, .momentum = 0.4f, .trainable_weight = false});
  return net.activation(x, Activation::gelu);
}

/// Two convolutions, the pool behind the first; airbench96 has a third, and a shortcut over the last two.
Value group(GraphBuilder& net, const std::string& name, Value x, int64_t channels, int convs) {
  x = net.max_pool(conv3x3(net, name + ".conv1", x, channels), {.kernel = 2});
  x = norm_gelu(net, name + ".norm1", x);
  const Value first = x;
  for (int i = 2; i <= convs; ++i) {
    x = conv3x3(net, name + ".conv" + std::to_string(i), x, channels);
    x = norm_gelu(net, name + ".norm" + std::to_string(i), x);
  }
  return convs == 3 ? net.add(x, first) : x;
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
  const bool bigger = options.version == 96;
  const int convs = bigger ? 3 : 2;
  const int64_t base = scaled(bigger ? 128 : 64, options.width);
  GraphBuilder net(model, input);
  // Each eigenvector of the patches, and its negative.
  constexpr int patch = 2;
  Value x =
      net.conv2d("0", net.input(), 2 * input.c * patch * patch,
                 {.kernel = patch, .init = Init::whitening, .trainable = false, .bias_init = Init::zeros});
  x = net.activation(x, Activation::gelu);
  x = group(net, "2", x, base, convs);
  x = group(net, "3", x, 4 * base, convs);
  x = group(net, "4", x, 4 * base, convs);
  // His window of 3 is all that is left of 32 pixels; this takes images of other sizes too.
  x = net.adaptive_max_pool(x);
  x = net.linear("7", x, classes, false);
  x = net.multiply(x, 1.0f / 9);
  return net.finish(x);
}

std::vector<Preset> airbench_presets() {
  return {{"airbench94", "airbench94", {}, [](const PresetRequest& r) { return from_spec(r, 94); }},
          {"airbench96", "airbench96", {}, [](const PresetRequest& r) { return from_spec(r, 96); }}};
}

}  // namespace frugal

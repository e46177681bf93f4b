#include "graph/model/ops.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace frugal {
namespace {

constexpr int64_t widest = int64_t{1} << 24;

using Inputs = std::vector<Value>;

float to_float(const Fields& f, const char* key, double otherwise) {
  const auto value = static_cast<float>(f.number(key, otherwise));
  if (!std::isfinite(value)) f.fail(key, "is too large");
  return value;
}

/// For numbers below which an operation makes no sense.
float positive(const Fields& f, const char* key, float otherwise) {
  const float value = to_float(f, key, otherwise);
  if (!(value > 0)) f.fail(key, "must be positive");
  return value;
}

/// Init::normal's deviation, Init::constant's value.
float init_value(const Fields& f, Init init) {
  if (init == Init::normal || init == Init::constant) {
    const std::string what = init == Init::normal ? "the deviation" : "the value";
    if (!f.has("init_value"))
      f.fail("init_value is missing: " + what + " of init = \"" + init_name(init) + "\"");
  } else if (f.has("init_value")) {
    f.fail("init_value",
           "is for init = \"normal\" and \"constant\", not for " + std::string(init_name(init)));
  }
  return init == Init::normal ? positive(f, "init_value", 0) : to_float(f, "init_value", 0);
}

Init bias_init(const Fields& f, Init otherwise) {
  const Init init = f.init("bias_init", otherwise);
  if (init != Init::uniform_fan_in && init != Init::zeros && init != Init::ones)
    f.fail("bias_init", "must be default, zeros or ones");
  return init;
}

Value add_conv(GraphBuilder& net, const ModelOp&, const std::string& name, const Inputs& x, const Fields& f) {
  ConvOptions o;
  o.kernel = f.extent("kernel", 1);
  o.stride = f.extent("stride", 1, o.stride);
  o.padding = f.extent("padding", 0, o.padding);
  o.dilation = f.extent("dilation", 1, o.dilation);
  o.groups = static_cast<int>(f.integer("groups", 1, widest, o.groups));
  o.bias = f.flag("bias", o.bias);
  o.init = f.init("init", o.init);
  o.init_value = init_value(f, o.init);
  o.bias_init = bias_init(f, o.bias_init);
  o.trainable = f.flag("trainable", o.trainable);
  return net.conv2d(name, x[0], f.integer("out", 1, widest), o);
}

Value add_linear(GraphBuilder& net, const ModelOp&, const std::string& name, const Inputs& x,
                 const Fields& f) {
  const Init init = f.init("init", Init::uniform_fan_in);
  if (init == Init::dirac || init == Init::whitening)
    f.fail("init", std::string(init_name(init)) + " is for convolutions");
  return net.linear(name, x[0], f.integer("out", 1, widest), f.flag("bias", true), init, init_value(f, init),
                    bias_init(f, Init::uniform_fan_in));
}

NormOptions norm_options(const Fields& f, NormOptions o) {
  o.eps = positive(f, "eps", o.eps);
  o.momentum = to_float(f, "momentum", o.momentum);
  if (!(o.momentum >= 0 && o.momentum <= 1)) f.fail("momentum", "must be in [0, 1]");
  // One that was written, be it by a block's parameter, may be false here and there.
  for (const char* key : {"init", "trainable"}) {
    if (!o.affine && !f.has("affine") && f.has(key)) f.fail(key, "is for a weight: affine = true makes one");
  }
  o.affine = f.flag("affine", o.affine);
  o.weight_init = f.init("init", o.weight_init);
  if (o.weight_init != Init::ones && o.weight_init != Init::zeros)
    f.fail("init", "of a norm must be ones or zeros");
  o.trainable_weight = f.flag("trainable", o.trainable_weight);
  return o;
}

Value add_batch_norm(GraphBuilder& net, const ModelOp&, const std::string& name, const Inputs& x,
                     const Fields& f) {
  return net.batch_norm(name, x[0], norm_options(f, {}));
}

Value add_group_norm(GraphBuilder& net, const ModelOp&, const std::string& name, const Inputs& x,
                     const Fields& f) {
  return net.group_norm(name, x[0], static_cast<int>(f.integer("groups", 1, widest)), norm_options(f, {}));
}

Value add_instance_norm(GraphBuilder& net, const ModelOp&, const std::string& name, const Inputs& x,
                        const Fields& f) {
  return net.instance_norm(name, x[0], norm_options(f, {.affine = false}));
}

Value add_layer_norm(GraphBuilder& net, const ModelOp&, const std::string& name, const Inputs& x,
                     const Fields& f) {
  return net.layer_norm(name, x[0], norm_options(f, {}));
}

Value add_activation(GraphBuilder& net, const ModelOp& op, const std::string&, const Inputs& x,
                     const Fields& f) {
  return net.activation(x[0], op.activation, to_float(f, "alpha", default_alpha(op.activation)));
}

Value add_prelu(GraphBuilder& net, const ModelOp&, const std::string& name, const Inputs& x,
                const Fields& f) {
  return net.prelu(name, x[0], f.flag("per_channel", false));
}

Value add_scale(GraphBuilder& net, const ModelOp&, const std::string& name, const Inputs& x,
                const Fields& f) {
  const bool weight = f.flag("weight", true), bias = f.flag("bias", true);
  if (!weight && !bias) f.fail("it needs a weight or a bias");
  return net.scale(name, x[0], weight, bias, to_float(f, "value", 1));
}

Value add_multiply(GraphBuilder& net, const ModelOp&, const std::string&, const Inputs& x, const Fields& f) {
  if (!f.has("factor")) f.fail("factor is missing");
  return net.multiply(x[0], to_float(f, "factor", 1));
}

float rate_of(const Fields& f) {
  if (!f.has("rate")) f.fail("rate is missing");
  return to_float(f, "rate", 0);
}

Value add_dropout(GraphBuilder& net, const ModelOp&, const std::string& name, const Inputs& x,
                  const Fields& f) {
  return net.dropout(name, x[0], rate_of(f));
}

Value add_drop_path(GraphBuilder& net, const ModelOp&, const std::string& name, const Inputs& x,
                    const Fields& f) {
  return net.drop_path(name, x[0], rate_of(f));
}

PoolOptions pool_options(const Fields& f) {
  PoolOptions o;
  o.kernel = f.extent("kernel", 1);
  o.stride = f.extent("stride", 1, o.kernel);
  o.padding = f.extent("padding", 0, o.padding);
  o.ceil_mode = f.flag("ceil_mode", o.ceil_mode);
  o.count_include_pad = f.flag("count_include_pad", o.count_include_pad);
  return o;
}

Value add_max_pool(GraphBuilder& net, const ModelOp&, const std::string&, const Inputs& x, const Fields& f) {
  return net.max_pool(x[0], pool_options(f));
}

Value add_avg_pool(GraphBuilder& net, const ModelOp&, const std::string&, const Inputs& x, const Fields& f) {
  return net.avg_pool(x[0], pool_options(f));
}

Value add_adaptive_avg_pool(GraphBuilder& net, const ModelOp&, const std::string&, const Inputs& x,
                            const Fields& f) {
  return net.adaptive_avg_pool(x[0], f.extent("out", 1, 1));
}

Value add_adaptive_max_pool(GraphBuilder& net, const ModelOp&, const std::string&, const Inputs& x,
                            const Fields& f) {
  return net.adaptive_max_pool(x[0], f.extent("out", 1, 1));
}

Value add_blur_pool(GraphBuilder& net, const ModelOp&, const std::string&, const Inputs& x, const Fields& f) {
  return net.blur_pool(x[0], static_cast<int>(f.integer("size", 1, 7, 3)),
                       static_cast<int>(f.integer("stride", 1, 1 << 16, 2)));
}

Value add_flatten(GraphBuilder& net, const ModelOp&, const std::string&, const Inputs& x, const Fields&) {
  return net.flatten(x[0]);
}

Value add_add(GraphBuilder& net, const ModelOp&, const std::string&, const Inputs& x, const Fields&) {
  return net.add(x[0], x[1]);
}

Value add_concat(GraphBuilder& net, const ModelOp&, const std::string&, const Inputs& x, const Fields&) {
  return net.concat(x);
}

Value add_gate(GraphBuilder& net, const ModelOp&, const std::string&, const Inputs& x, const Fields&) {
  return net.gate(x[0], x[1]);
}

Value add_pad_channels(GraphBuilder& net, const ModelOp&, const std::string&, const Inputs& x,
                       const Fields& f) {
  return net.pad_channels(x[0], f.integer("before", 0, widest, 0), f.integer("behind", 0, widest, 0),
                          static_cast<int>(f.integer("stride", 1, 1 << 16, 1)));
}

std::vector<ModelOp> all_ops() {
  std::vector<ModelOp> ops = {
      {"conv2d",
       1,
       {"out", "kernel", "stride", "padding", "dilation", "groups", "bias", "init", "init_value", "bias_init",
        "trainable"},
       add_conv},
      {"linear", 1, {"out", "bias", "init", "init_value", "bias_init"}, add_linear},
      {"batch_norm", 1, {"eps", "momentum", "init", "trainable"}, add_batch_norm},
      {"group_norm", 1, {"groups", "eps", "affine", "init", "trainable"}, add_group_norm},
      {"instance_norm", 1, {"eps", "affine", "init", "trainable"}, add_instance_norm},
      {"layer_norm", 1, {"eps", "init", "trainable"}, add_layer_norm},
      {"prelu", 1, {"per_channel"}, add_prelu},
      {"scale", 1, {"weight", "bias", "value"}, add_scale},
      {"multiply", 1, {"factor"}, add_multiply},
      {"dropout", 1, {"rate"}, add_dropout},
      {"drop_path", 1, {"rate"}, add_drop_path},
      {"max_pool", 1, {"kernel", "stride", "padding", "ceil_mode"}, add_max_pool},
      {"avg_pool", 1, {"kernel", "stride", "padding", "ceil_mode", "count_include_pad"}, add_avg_pool},
      {"adaptive_avg_pool", 1, {"out"}, add_adaptive_avg_pool},
      {"adaptive_max_pool", 1, {"out"}, add_adaptive_max_pool},
      {"blur_pool", 1, {"size", "stride"}, add_blur_pool},
      {"flatten", 1, {}, add_flatten},
      {"add", 2, {}, add_add},
      {"concat", 0, {}, add_concat},
      {"gate", 2, {}, add_gate},
      {"pad_channels", 1, {"before", "behind", "stride"}, add_pad_channels},
  };
  for (const Activation activation :
       {Activation::relu, Activation::relu6, Activation::leaky_relu, Activation::elu, Activation::gelu,
        Activation::gelu_tanh, Activation::silu, Activation::mish, Activation::hardswish,
        Activation::hardsigmoid, Activation::sigmoid, Activation::tanh}) {
    std::vector<std::string> keys;
    if (default_alpha(activation) != 0) keys = {"alpha"};
    ops.push_back({activation_name(activation), 1, std::move(keys), add_activation, activation});
  }
  return ops;
}

const std::vector<ModelOp>& ops() {
  static const std::vector<ModelOp> all = all_ops();
  return all;
}

}  // namespace

const ModelOp* find_op(const std::string& name) {
  const auto found = std::ranges::find_if(ops(), [&](const ModelOp& op) { return op.name == name; });
  return found == ops().end() ? nullptr : &*found;
}

std::vector<std::string> op_names() {
  std::vector<std::string> names;
  for (const ModelOp& op : ops()) names.push_back(op.name);
  return names;
}

float default_alpha(Activation activation) {
  if (activation == Activation::leaky_relu) return 0.01f;
  return activation == Activation::elu ? 1.0f : 0.0f;
}

}  // namespace frugal

// Graphs from the descriptions in the goldens; tools/goldens/nets.py makes PyTorch's modules from the same,
// tools/goldens/models.py those of the presets.
#include <map>
#include <set>

#include "base/error.h"
#include "golden_case.h"
#include "graph/builder.h"
#include "graph/presets.h"

namespace frugal::golden {
namespace {

using nlohmann::json;

/// A layer's options, each of which must be asked for: an option that PyTorch heeds and we do not is an
/// error.
class Options {
 public:
  explicit Options(const json& layer) : kind_(layer.at(0)), options_(layer.at(2)) {}

  template <class T>
  T at(const std::string& key) {
    asked_.insert(key);
    return options_.at(key).get<T>();
  }
  template <class T>
  T value(const std::string& key, T otherwise) {
    asked_.insert(key);
    return options_.value(key, otherwise);
  }
  Extent extent(const std::string& key) {
    const json value = at<json>(key);
    return value.is_array() ? Extent(value.at(0).get<int>(), value.at(1).get<int>())
                            : Extent(value.get<int>());
  }
  Extent extent(const std::string& key, Extent otherwise) {
    return options_.contains(key) ? extent(key) : otherwise;
  }

  void check_all_asked() const {
    for (const auto& [key, value] : options_.items()) {
      if (!asked_.contains(key)) throw Error(kind_ + ": no option '" + key + "'");
    }
  }

 private:
  std::string kind_;
  json options_;
  std::set<std::string> asked_;
};

ConvOptions conv_options(Options& o) {
  return {.kernel = o.extent("kernel"),
          .stride = o.extent("stride", 1),
          .padding = o.extent("padding", 0),
          .dilation = o.extent("dilation", 1),
          .groups = o.value("groups", 1),
          .bias = o.value("bias", true),
          .trainable = o.value("trainable", true)};
}

PoolOptions pool_options(Options& o) {
  return {.kernel = o.extent("kernel"),
          .stride = o.extent("stride", 0),
          .padding = o.extent("padding", 0),
          .ceil_mode = o.value("ceil_mode", false),
          .count_include_pad = o.value("count_include_pad", true)};
}

std::map<std::string, Activation> activations() {
  std::map<std::string, Activation> result;
  for (Activation a :
       {Activation::relu, Activation::relu6, Activation::leaky_relu, Activation::elu, Activation::gelu,
        Activation::gelu_tanh, Activation::silu, Activation::mish, Activation::hardswish,
        Activation::hardsigmoid, Activation::sigmoid, Activation::tanh}) {
    result[activation_name(a)] = a;
  }
  return result;
}

Value add_norm(GraphBuilder& net, const std::string& kind, const std::string& name, Value x, Options& o) {
  NormOptions norm;
  if (kind == "batch_norm") {
    norm.eps = o.value("eps", norm.eps);
    norm.momentum = o.value("momentum", norm.momentum);
    norm.trainable_weight = o.value("trainable_weight", true);
    return net.batch_norm(name, x, norm);
  }
  if (kind == "layer_norm") return net.layer_norm(name, x);
  norm.affine = o.value("affine", kind == "group_norm");
  if (kind == "instance_norm") return net.instance_norm(name, x, norm);
  return net.group_norm(name, x, o.at<int>("groups"), norm);
}

Value add_layer(GraphBuilder& net, const std::string& kind, const std::string& name,
                const std::vector<Value>& inputs, Options& o) {
  static const std::map<std::string, Activation> by_name = activations();
  const Value x = inputs.at(0);
  if (by_name.contains(kind)) return net.activation(x, by_name.at(kind), o.value("alpha", 0.0f));
  if (kind == "conv2d") {
    const int64_t out = o.at<int64_t>("out");
    return net.conv2d(name, x, out, conv_options(o));
  }
  if (kind == "linear") return net.linear(name, x, o.at<int64_t>("out"), o.value("bias", true));
  if (kind.ends_with("_norm")) return add_norm(net, kind, name, x, o);
  if (kind == "prelu") return net.prelu(name, x, o.value("per_channel", false));
  if (kind == "scale") return net.scale(name, x, o.at<bool>("weight"), o.at<bool>("bias"));
  if (kind == "multiply") return net.multiply(x, o.at<float>("factor"));
  if (kind == "max_pool") return net.max_pool(x, pool_options(o));
  if (kind == "avg_pool") return net.avg_pool(x, pool_options(o));
  if (kind == "adaptive_avg_pool") return net.adaptive_avg_pool(x, o.extent("out"));
  if (kind == "adaptive_max_pool") return net.adaptive_max_pool(x, o.extent("out"));
  if (kind == "blur_pool") return net.blur_pool(x, o.at<int>("size"), o.at<int>("stride"));
  if (kind == "flatten") return net.flatten(x);
  if (kind == "add") return net.add(x, inputs.at(1));
  if (kind == "concat") return net.concat(inputs);
  if (kind == "gate") return net.gate(x, inputs.at(1));
  if (kind == "pad_channels") {
    return net.pad_channels(x, o.at<int64_t>("before"), o.at<int64_t>("behind"), o.value("stride", 1));
  }
  throw Error("no operation '" + kind + "'");
}

}  // namespace

Graph build_graph(const json& golden) {
  const json& input = golden.at("input");
  if (golden.contains("model")) {
    Graph graph = make_model(golden["model"], {input[0], input[1], input[2]}, golden.at("classes"));
    for (Node& node : graph.nodes) node.rate = 0;
    return graph;
  }
  GraphBuilder net(golden.at("case"), {input[0], input[1], input[2]});
  std::vector<Value> values{net.input()};
  for (const json& layer : golden.at("net")) {
    Options options(layer);
    const int before = static_cast<int>(values.size()) - 1;
    std::vector<Value> inputs;
    for (int i : options.value("inputs", std::vector{before})) {
      inputs.push_back(values.at(static_cast<size_t>(i)));
    }
    values.push_back(add_layer(net, layer.at(0), layer.at(1), inputs, options));
    options.check_all_asked();
  }
  return net.finish(values.back());
}

}  // namespace frugal::golden

#include "graph/presets.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/nearest.h"
#include "base/spec.h"
#include "base/text.h"
#include "base/units.h"
#include "graph/builder.h"
#include "graph/model_file.h"
#include "graph/presets/preset.h"

namespace frugal {
namespace {

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = [] {
    std::vector<Preset> list;
    for (const auto family : {smallnet_presets, cifar_resnet_presets, preact_resnet_presets, resnet_presets,
                              wide_resnet_presets, densenet_presets, vgg_presets, squeezenet_presets,
                              mobilenet_presets, convmixer_presets, nin_presets, airbench_presets}) {
      for (Preset& preset : family()) list.push_back(std::move(preset));
    }
    return list;
  }();
  return all;
}

/// The numbers in `name` where `pattern` has capitals ("wrn-16-2" and "wrn-D-K": 16, 2); nothing when it does
/// not match.
std::optional<std::vector<int64_t>> match(std::string_view pattern, std::string_view name) {
  const auto wanted = split(pattern, '-'), given = split(name, '-');
  if (wanted.size() != given.size()) return std::nullopt;
  std::vector<int64_t> numbers;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const bool number = wanted[i].size() == 1 && std::isupper(static_cast<unsigned char>(wanted[i][0])) != 0;
    if (!number && wanted[i] != given[i]) return std::nullopt;
    if (!number) continue;
    const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
    if (given[i].empty() || given[i].size() > 9 || !std::ranges::all_of(given[i], is_digit))
      return std::nullopt;
    numbers.push_back(std::stoll(std::string(given[i])));
  }
  return numbers;
}

struct Found {
  const Preset& preset;
  std::vector<int64_t> numbers;
};

Found find_preset(const Spec& spec) {
  for (const Preset& preset : presets()) {
    if (auto numbers = match(preset.name, spec.name)) return {preset, *std::move(numbers)};
    if (spec.name == preset.name) {
      throw usage_error("--model: the capitals of " + preset.name + " stand for numbers, as in " +
                        preset.example);
    }
  }
  const std::string hint = did_you_mean(spec.name, model_examples());
  throw usage_error("--model: there is no model " + in_quotes(spec.name) +
                    (hint.empty() ? "; known: " : hint + " Known: ") + join(model_names()));
}

/// The weights of convolutions and linear layers start as `init` says. What is frozen as made from the data
/// stays so, and dirac is for convolutions without groups.
void override_init(Graph& graph, Init init) {
  for (const Node& node : graph.nodes) {
    if (node.kind != OpKind::conv2d && node.kind != OpKind::linear) continue;
    ParameterSpec& weight = graph.parameters[static_cast<size_t>(node.parameters[0])];
    const bool has_dirac = node.kind == OpKind::conv2d && node.groups == 1;
    if (!weight.trainable || (init == Init::dirac && !has_dirac)) continue;
    weight.init = init;
    weight.value = init == Init::normal ? 0.01f : 0.0f;
    require_quick_init(weight);
  }
}

/// The last dense layer makes way for several, with ReLU between them, which are called as the modules of a
/// torch.nn.Sequential in its place: "fc.0", "fc.2".
Graph replace_head(Graph graph, const std::string& widths) {
  const Node last = graph.nodes.back();
  if (last.kind != OpKind::linear) {
    throw usage_error(graph.model +
                      ":head: the network does not end in a dense layer that could be replaced");
  }
  graph.nodes.pop_back();
  for (size_t i = 0; i < last.parameters.size(); ++i) graph.parameters.pop_back();  // they come last, too
  const int64_t classes = graph.classes;
  GraphBuilder net(std::move(graph));
  Value x{last.inputs[0]};
  const auto pieces = split(widths, '|');
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (i > 0) x = net.relu(x);
    x = net.linear(last.name + "." + std::to_string(2 * i), x,
                   parse_integer(std::string(trim(pieces[i])), "head"));
  }
  if (net.shape(x).c != classes) {
    throw usage_error("head: the last of " + join({pieces.begin(), pieces.end()}) +
                      " must be the number of classes, " + std::to_string(classes));
  }
  return net.finish(x);
}

/// The initialisers that a whole network can start with, by the names that `init` takes.
Init parse_init(const PresetRequest& request) {
  constexpr std::array all = {Init::uniform_fan_in,  Init::kaiming_normal, Init::kaiming_normal_fan_out,
                              Init::kaiming_uniform, Init::xavier_normal,  Init::xavier_uniform,
                              Init::normal,          Init::orthogonal,     Init::dirac};
  std::vector<std::string> names;
  names.reserve(all.size());
  for (Init init : all) names.emplace_back(init_name(init));
  const std::string name = request.choice("init", names);
  return all[static_cast<size_t>(std::ranges::find(names, name) - names.begin())];
}

}  // namespace

std::string PresetRequest::choice(const std::string& key, const std::vector<std::string>& known) const {
  const auto found = spec.options.find(key);
  if (found == spec.options.end()) return known[0];
  if (std::ranges::find(known, found->second) != known.end()) return found->second;
  throw usage_error(spec.name + ":" + key + ": " + in_quotes(found->second) + " is none of " + join(known));
}

int PresetRequest::small_integer(const std::string& key, int otherwise) const {
  constexpr int64_t largest = 1000;
  const int64_t value = spec.integer(key, otherwise);
  if (value >= 1 && value <= largest) return static_cast<int>(value);
  throw usage_error(spec.name + ":" + key + ": it must be in 1 to " + std::to_string(largest));
}

int64_t scaled(int64_t channels, double width, int64_t divisor) {
  if (width == 1 || channels < 1) return channels;  // what is none is refused where it is used
  const double exact = static_cast<double>(channels) * width, step = static_cast<double>(divisor);
  double rounded = std::max(step, std::floor((exact + step / 2) / step) * step);
  if (rounded < 0.9 * exact) rounded += step;
  return static_cast<int64_t>(std::min(rounded, 0x1p62));
}

int blocks_of_depth(const std::string& model, int64_t depth, int per_block, int rest) {
  constexpr int64_t deepest = 1300;
  const int64_t blocks = std::max<int64_t>(1, (depth - rest) / per_block);
  if (depth > deepest || blocks * per_block + rest != depth) {
    const int64_t near = std::min(blocks, (deepest - rest) / per_block) * per_block + rest;
    throw usage_error(model + ": the depth must be " + std::to_string(per_block) + "n + " +
                      std::to_string(rest) + ", at most " + std::to_string(deepest) + ", not " +
                      std::to_string(depth) + "; try " + std::to_string(near));
  }
  return static_cast<int>(blocks);
}

Graph make_model(const std::string& text, Shape input, int64_t classes) {
  if (classes < 1) throw usage_error("--classes: a classifier needs at least one class");
  if (is_model_file(text)) return read_model_file(text, input, classes);
  const Spec spec = parse_spec(text, "--model");
  const Found found = find_preset(spec);
  std::vector<std::string> options = found.preset.options;
  options.insert(options.end(), {"width", "init", "head"});
  spec.expect(options);
  const double width = spec.number("width", 1);
  if (!(width > 0 && width <= 100)) {
    throw usage_error(spec.name + ":width: it must be above 0 and at most 100");
  }
  const PresetRequest request{spec, found.numbers, input, classes, width};
  Graph graph = found.preset.make(request);
  if (spec.has("head")) graph = replace_head(std::move(graph), spec.options.at("head"));
  if (spec.has("init")) override_init(graph, parse_init(request));
  graph.model = text;
  return graph;
}

std::string with_head(const std::string& spec, const std::string& widths) {
  if (is_model_file(spec))
    throw usage_error("--head: change the last layers in " + split_model_file(spec).path);
  std::string bars = widths;
  std::ranges::replace(bars, ',', '|');
  return spec + (spec.find(':') == std::string::npos ? ":" : ",") + "head=" + bars;
}

void require_model(const std::string& spec) {
  if (!is_model_file(spec)) {
    find_preset(parse_spec(spec, "--model"));
  } else if (const std::string path = split_model_file(spec).path; !std::filesystem::exists(path)) {
    throw usage_error("--model: there is no file " + path);
  }
}

Graph remake_model(const std::string& spec, const std::string& model_file, Shape input, int64_t classes) {
  return model_file.empty() ? make_model(spec, input, classes)
                            : parse_model(model_file, spec, input, classes);
}

std::string model_label(const std::string& spec) {
  if (!is_model_file(spec)) return spec.substr(0, spec.find(':'));
  return std::filesystem::path(split_model_file(spec).path).stem().string();
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const Preset& preset : presets()) names.push_back(preset.name);
  return names;
}

std::vector<std::string> model_examples() {
  std::vector<std::string> names;
  for (const Preset& preset : presets()) names.push_back(preset.example);
  return names;
}

}  // namespace frugal

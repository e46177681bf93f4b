// What the families of presets share: how each says which names and options it has, and how channels scale.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/spec.h"
#include "graph/presets.h"

namespace frugal {

/// A spec whose name matched a preset's.
struct PresetRequest {
  const Spec& spec;
  const std::vector<int64_t>& numbers;  // what stood for the capitals of the preset's name
  Shape input;
  int64_t classes = 0;
  double width = 1;

  float rate(const std::string& key, float otherwise) const {
    return static_cast<float>(spec.number(key, otherwise));
  }
  /// The option's value, one of `known`, or the first of them when it is not given.
  std::string choice(const std::string& key, const std::vector<std::string>& known) const;
  /// An extent, 1 to 1,000.
  int small_integer(const std::string& key, int otherwise) const;
  Stem stem() const {
    return choice("stem", {"imagenet", "cifar"}) == "cifar" ? Stem::cifar : Stem::imagenet;
  }
};

struct Preset {
  std::string name;                  // "wrn-D-K": a capital between dashes stands for a number
  std::string example;               // "wrn-16-2"; the name itself where it has no numbers
  std::vector<std::string> options;  // besides `width` and `init`
  Graph (*make)(const PresetRequest& request);
};

std::vector<Preset> smallnet_presets();
std::vector<Preset> cifar_resnet_presets();
std::vector<Preset> preact_resnet_presets();
std::vector<Preset> resnet_presets();
std::vector<Preset> wide_resnet_presets();
std::vector<Preset> densenet_presets();
std::vector<Preset> vgg_presets();
std::vector<Preset> squeezenet_presets();
std::vector<Preset> mobilenet_presets();
std::vector<Preset> convmixer_presets();
std::vector<Preset> nin_presets();
std::vector<Preset> airbench_presets();

/// channels * width as MobileNet's authors round it: to a multiple of `divisor`, at least one of them, and
/// never more than a tenth below what was asked for. A width of 1 changes nothing.
int64_t scaled(int64_t channels, double width, int64_t divisor = 8);

/// n for a depth of n * per_block + rest, the way papers count layers; a usage error that names the nearest
/// such depth for any other, and for depths beyond 1,300.
int blocks_of_depth(const std::string& model, int64_t depth, int per_block, int rest);

}  // namespace frugal

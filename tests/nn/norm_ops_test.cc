// Group, instance and layer norm against PyTorch's definitions.
#include <gtest/gtest.h>

#include <cmath>

#include "op_check.h"

namespace frugal {
namespace {

/// Normalises the elements that `members` names, then scales and shifts each by its channel.
template <class Channel>
void normalise(const Numbers& x, const std::vector<size_t>& members, double eps, Channel&& channel,
               const std::vector<Numbers>& affine, Numbers& y) {
  double mean = 0, variance = 0;
  for (size_t i : members) mean += x[i] / static_cast<double>(members.size());
  for (size_t i : members) variance += std::pow(x[i] - mean, 2) / static_cast<double>(members.size());
  for (size_t i : members) {
    y[i] = (x[i] - mean) / std::sqrt(variance + eps);
    if (!affine.empty()) y[i] = y[i] * affine[0][channel(i)] + affine[1][channel(i)];
  }
}

void check_group_norm(Shape shape, int groups, bool affine) {
  SCOPED_TRACE(std::to_string(shape.c) + " channels in " + std::to_string(groups) + " groups");
  GraphBuilder net("norm", shape);
  const Value y = net.group_norm("norm", net.input(), groups, {.eps = 1e-3f, .affine = affine});
  const auto definition = [=](const std::vector<Numbers>& in, const std::vector<Numbers>& parameters) {
    const auto channels = static_cast<size_t>(shape.c), width = channels / static_cast<size_t>(groups);
    Numbers out(in[0].size());
    for (size_t g = 0; g < static_cast<size_t>(groups); ++g) {
      std::vector<size_t> members;
      for (size_t i = 0; i < in[0].size(); ++i) {
        if (i % channels / width == g) members.push_back(i);
      }
      normalise(
          in[0], members, double{1e-3f}, [&](size_t i) { return i % channels; }, parameters, out);
    }
    return out;
  };
  check_op({net.finish(net.flatten(y)), y.node, definition, false, groups == shape.c});
}

TEST(GroupNormOp, MatchesTheDefinition) {
  for (const int channels : {1, 3, 17, 48}) {
    check_group_norm({5, 7, channels}, 1, true);
    check_group_norm({5, 7, channels}, channels, true);
  }
  check_group_norm({5, 7, 48}, 6, true);
  check_group_norm({5, 7, 48}, 16, false);
  check_group_norm({9, 8, 4}, 2, true);  // more than one tile
  check_group_norm({1, 1, 20}, 5, true);
}

void check_layer_norm(Shape shape, bool affine) {
  SCOPED_TRACE(std::to_string(shape.c) + " channels");
  GraphBuilder net("norm", shape);
  const Value y = net.layer_norm("norm", net.input(), {.eps = 1e-3f, .affine = affine});
  const auto definition = [=](const std::vector<Numbers>& in, const std::vector<Numbers>& parameters) {
    const auto channels = static_cast<size_t>(shape.c);
    Numbers out(in[0].size());
    for (size_t first = 0; first < in[0].size(); first += channels) {
      std::vector<size_t> members;
      for (size_t i = first; i < first + channels; ++i) members.push_back(i);
      normalise(
          in[0], members, double{1e-3f}, [&](size_t i) { return i - first; }, parameters, out);
    }
    return out;
  };
  check_op(
      {net.finish(net.flatten(y)), y.node, definition, false, false, shape.c == 1 ? 1 / std::sqrt(1e-3) : 0});
}

TEST(LayerNormOp, MatchesTheDefinition) {
  for (const int channels : {1, 3, 17, 48, 61}) check_layer_norm({3, 5, channels}, true);
  check_layer_norm({3, 5, 24}, false);
  check_layer_norm({7, 11, 6}, true);  // more than one tile
}

}  // namespace
}  // namespace frugal

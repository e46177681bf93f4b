// Every change to an image beside torchvision 0.14's, on uint8 tensors: tools/goldens/augment.py made the
// file.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/math.h"
#include "base/safetensors.h"
#include "data/augment_space.h"
#include "data/change.h"
#include "data/render.h"

namespace frugal {
namespace {

using nlohmann::json;

const SafetensorsFile& golden() {
  static const SafetensorsFile file =
      read_safetensors(FRUGAL_SOURCE_DIR "/tests/goldens/data/augment.safetensors");
  return file;
}

struct Colour {
  std::string_view name;
  ChangeKind kind;
};
constexpr std::array<Colour, 10> colours{{{"brightness", ChangeKind::brightness},
                                          {"contrast", ChangeKind::contrast},
                                          {"saturation", ChangeKind::saturation},
                                          {"hue", ChangeKind::hue},
                                          {"grey", ChangeKind::grey},
                                          {"sharpness", ChangeKind::sharpness},
                                          {"posterize", ChangeKind::posterize},
                                          {"solarize", ChangeKind::solarize},
                                          {"autocontrast", ChangeKind::autocontrast},
                                          {"equalize", ChangeKind::equalize}}};

SpaceKind space_of(const json& text) {
  return text.get<std::string>() == "wide" ? SpaceKind::wide : SpaceKind::randaugment;
}

std::vector<Change> changes_of(const json& test, int64_t height, int64_t width) {
  const auto op = test["op"].get<std::string>();
  const auto* colour = std::ranges::find(colours, op, &Colour::name);
  if (colour != colours.end()) return {{.kind = colour->kind, .amount = test["amount"]}};
  if (op == "flip") return {{.kind = ChangeKind::flip}};
  if (op == "shift") {
    const auto word = test["pad"].get<std::string>();
    const Padding padding = word == "zero"      ? Padding::zero
                            : word == "reflect" ? Padding::reflect
                                                : Padding::edge;
    return {{.kind = ChangeKind::shift, .padding = padding, .down = test["down"], .right = test["right"]}};
  }
  if (op == "affine") {
    const auto [sine, cosine] = sine_cosine_of_degrees(test["shear"]);
    return {{.kind = ChangeKind::affine,
             .matrix = inverse_affine({.degrees = test["degrees"],
                                       .scale = test["scale"],
                                       .tangent_x = sine / cosine,
                                       .tx = test["tx"],
                                       .ty = test["ty"]})}};
  }
  std::vector<Change> changes;
  const int number = test["number"];
  const double magnitude = space_magnitude(space_of(test["space"]), number, test["level"], height, width);
  add_space_change(number, test["sign"].get<int>() * magnitude, height, width, changes);
  return changes;
}

std::vector<uint8_t> rendered(const TensorRecord& input, const std::vector<Change>& changes) {
  const int64_t height = input.shape[0], width = input.shape[1], channels = input.shape[2];
  Renderer renderer;
  renderer.render(input.data.data(), height, width, channels, changes);
  std::vector<uint8_t> out(input.data.size());
  gather(renderer.pixels(), renderer.y(), renderer.x(), channels, out.data());
  return out;
}

TEST(AugmentGolden, EveryChangeIsTorchvisionsToTheByte) {
  const json cases = json::parse(golden().metadata.at("cases"));
  ASSERT_GT(cases.size(), 300u);
  for (const json& test : cases) {
    const TensorRecord* input = golden().find("input:" + test["input"].get<std::string>());
    const TensorRecord* output = golden().find(test["output"]);
    ASSERT_TRUE(input != nullptr && output != nullptr) << test;
    const auto out = rendered(*input, changes_of(test, input->shape[0], input->shape[1]));
    ASSERT_EQ(out.size(), output->data.size());
    int wrong = 0, most = 0;
    for (size_t i = 0; i < out.size(); ++i) {
      wrong += out[i] != output->data[i];
      most = std::max(most, std::abs(out[i] - output->data[i]));
    }
    EXPECT_EQ(wrong, 0) << test << " is off by up to " << most;
  }
}

TEST(AugmentGolden, MagnitudesAreTorchvisions) {
  for (const json& table : json::parse(golden().metadata.at("magnitudes"))) {
    ASSERT_EQ(table["ops"].size(), size_t{space_ops});
    for (int op = 0; op < space_ops; ++op) {
      const json &magnitudes = table["ops"][static_cast<size_t>(op)][0],
                 &sign = table["ops"][static_cast<size_t>(op)][1];
      EXPECT_EQ(has_magnitude(op), !magnitudes.is_null());
      EXPECT_EQ(is_signed(op), sign.get<bool>());
      if (magnitudes.is_null()) continue;
      for (int level = 0; level < space_magnitudes; ++level) {
        const float ours =
            space_magnitude(space_of(table["space"]), op, level, table["height"], table["width"]);
        const auto theirs = magnitudes[static_cast<size_t>(level)].get<float>();
        EXPECT_FLOAT_EQ(ours, theirs) << table["space"] << " op " << op << " level " << level;
        EXPECT_EQ(std::trunc(ours), std::trunc(theirs))
            << table["space"] << " op " << op << " level " << level;
      }
    }
  }
}

}  // namespace
}  // namespace frugal

#include "data/augment.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "base/spec.h"
#include "base/text.h"
#include "base/units.h"

namespace frugal {
namespace {

constexpr const char* flag = "--augment";
constexpr int64_t max_pixels = 1024;

Error bad(const Spec& spec, const std::string& what) {
  return usage_error(std::string(flag) + ": " + spec.name + ": " + what);
}

double within(const Spec& spec, const std::string& what, double value, double least, double most) {
  if (value >= least && value <= most) return value;
  throw bad(spec, what + " must be in " + exact_text(least) + " to " + exact_text(most) + ", not " +
                      exact_text(value));
}

/// The bare value, or that of `key`, or the default.
double value_of(const Spec& spec, const std::string& key, double otherwise, double least, double most) {
  const double value = spec.values.empty()
                           ? spec.number(key, otherwise)
                           : parse_number(spec.values[0], std::string(flag) + " " + spec.name);
  return within(spec, key, value, least, most);
}

int pixels_of(const Spec& spec) {
  if (spec.values.empty()) throw bad(spec, "needs its pixels, as in " + spec.name + ":4");
  const int64_t pixels = parse_integer(spec.values[0], std::string(flag) + " " + spec.name);
  if (pixels < 1 || pixels > max_pixels) {
    throw bad(spec,
              spec.values[0] + " is out of range; 1 to " + std::to_string(max_pixels) + " pixels will do");
  }
  return static_cast<int>(pixels);
}

Padding padding_of(const Spec& spec, const std::string& otherwise) {
  const auto found = spec.options.find("pad");
  const std::string& word = found == spec.options.end() ? otherwise : found->second;
  if (word == "zero") return Padding::zero;
  if (word == "reflect") return Padding::reflect;
  if (word == "edge") return Padding::edge;
  throw bad(spec, "pad=" + word + " is none of zero, reflect, edge");
}

/// "LOW|HIGH".
Range range_of(const Spec& spec, const std::string& key, Range otherwise, double least, double most) {
  const auto found = spec.options.find(key);
  if (found == spec.options.end()) return otherwise;
  const auto parts = split(found->second, '|');
  if (parts.size() != 2) throw bad(spec, key + "=" + found->second + ": write " + key + "=LOW|HIGH");
  const std::string what = std::string(flag) + " " + spec.name + ":" + key;
  const Range range{within(spec, key, parse_number(std::string(parts[0]), what), least, most),
                    within(spec, key, parse_number(std::string(parts[1]), what), least, most)};
  if (range.low > range.high) throw bad(spec, key + "=" + found->second + " ends before it begins");
  return range;
}

Augment flip(const Spec& spec) {
  spec.expect({"p"}, 1);
  return {.kind = AugmentKind::flip, .probability = value_of(spec, "p", 0.5, 0, 1)};
}

Augment altflip(const Spec& spec) {
  spec.expect({});
  return {.kind = AugmentKind::altflip};
}

Augment crop(const Spec& spec) {
  spec.expect({"pad"}, 1);
  return {.kind = AugmentKind::shift, .pixels = pixels_of(spec), .padding = padding_of(spec, "zero")};
}

Augment translate(const Spec& spec) {
  spec.expect({"pad"}, 1);
  return {.kind = AugmentKind::shift, .pixels = pixels_of(spec), .padding = padding_of(spec, "reflect")};
}

/// ColorJitter's x: a factor in [max(0, 1 - x), 1 + x].
Range around_one(double x) { return {std::max(0.0, 1 - x), 1 + x}; }

constexpr double most_jitter = 10, most_hue = 0.5;

Augment jitter(const Spec& spec) {
  spec.expect({"brightness", "contrast", "saturation", "hue"}, 1);
  std::array<double, 4> x{};
  if (!spec.values.empty()) {
    const auto parts = split(spec.values[0], '|');
    if (parts.size() != 1 && parts.size() != 3 && parts.size() != 4) {
      throw bad(spec, spec.values[0] + ": write jitter:X, or jitter:BRIGHTNESS|CONTRAST|SATURATION|HUE");
    }
    for (size_t i = 0; i < (parts.size() == 1 ? 3 : parts.size()); ++i) {
      x[i] = parse_number(std::string(parts[parts.size() == 1 ? 0 : i]), std::string(flag) + " jitter");
    }
  }
  constexpr std::array<const char*, 4> names = {"brightness", "contrast", "saturation", "hue"};
  for (size_t i = 0; i < 4; ++i) {
    x[i] = within(spec, names[i], spec.number(names[i], x[i]), 0, i == 3 ? most_hue : most_jitter);
  }
  if (x == std::array<double, 4>{}) throw bad(spec, "needs how much, as in jitter:0.2");
  return {.kind = AugmentKind::jitter,
          .brightness = around_one(x[0]),
          .contrast = around_one(x[1]),
          .saturation = around_one(x[2]),
          .hue = {-x[3], x[3]}};
}

/// `brightness:0.2` is a jitter of nothing else.
template <Range Augment::*Field>
Augment one_colour(const Spec& spec) {
  spec.expect({}, 1);
  const bool hue = Field == &Augment::hue;
  if (spec.values.empty()) throw bad(spec, "needs how much, as in " + spec.name + ":0.2");
  const double x = value_of(spec, spec.name, 0, 0, hue ? most_hue : most_jitter);
  Augment result{.kind = AugmentKind::jitter};
  result.*Field = hue ? Range{-x, x} : around_one(x);
  return result;
}

Augment grey(const Spec& spec) {
  spec.expect({"p"}, 1);
  return {.kind = AugmentKind::grey, .probability = value_of(spec, "p", 0.1, 0, 1)};
}

Augment rotate(const Spec& spec) {
  spec.expect({}, 1);
  if (spec.values.empty()) throw bad(spec, "needs its degrees, as in rotate:15");
  return {.kind = AugmentKind::affine, .degrees = value_of(spec, "degrees", 0, 0, 180)};
}

Augment affine(const Spec& spec) {
  spec.expect({"rotate", "translate", "scale", "shear"});
  return {.kind = AugmentKind::affine,
          .degrees = within(spec, "rotate", spec.number("rotate", 0), 0, 180),
          .translate = within(spec, "translate", spec.number("translate", 0), 0, 1),
          .scale = range_of(spec, "scale", {1, 1}, 0.01, 100),
          .shear = within(spec, "shear", spec.number("shear", 0), 0, 80)};
}

Augment randaugment(const Spec& spec) {
  spec.expect({"ops", "magnitude"});
  return {.kind = AugmentKind::randaugment,
          .ops = static_cast<int>(within(spec, "ops", static_cast<double>(spec.integer("ops", 2)), 1, 20)),
          .magnitude = static_cast<int>(
              within(spec, "magnitude", static_cast<double>(spec.integer("magnitude", 9)), 0, 30))};
}

Augment trivial(const Spec& spec) {
  spec.expect({});
  return {.kind = AugmentKind::trivial};
}

Augment cutout(const Spec& spec) {
  spec.expect({}, 1);
  return {.kind = AugmentKind::cutout, .pixels = pixels_of(spec)};
}

Augment erase(const Spec& spec) {
  spec.expect({"p", "area", "ratio"}, 1);
  return {.kind = AugmentKind::erase,
          .probability = value_of(spec, "p", 0.5, 0, 1),
          .area = range_of(spec, "area", {0.02, 0.33}, 0, 1),
          .ratio = range_of(spec, "ratio", {0.3, 3.3}, 0.01, 100)};
}

template <AugmentKind kind>
Augment mix(const Spec& spec) {
  spec.expect({"alpha", "p"}, 1);
  return {.kind = kind,
          .probability = within(spec, "p", spec.number("p", 1), 0, 1),
          .alpha = value_of(spec, "alpha", 1, 0.01, 100)};
}

struct Known {
  const char* name;
  const char* form;
  const char* meaning;
  Augment (*make)(const Spec&);
};
constexpr std::array<Known, 19> known{{
    {"flip", "flip[:P]", "left to right, with probability P (0.5)", flip},
    {"altflip", "altflip", "left to right in every other epoch", altflip},
    {"crop", "crop:PIXELS[,pad=zero|reflect|edge]", "pad, then crop at random", crop},
    {"translate", "translate:PIXELS[,pad=...]", "the same, mirrored at the border unless pad says otherwise",
     translate},
    {"jitter", "jitter:X or jitter:B|C|S|H",
     "brightness, contrast and saturation by X, hue by H, in any order", jitter},
    {"brightness", "brightness:X", "a factor of 1 - X to 1 + X", one_colour<&Augment::brightness>},
    {"contrast", "contrast:X", "the same", one_colour<&Augment::contrast>},
    {"saturation", "saturation:X", "the same", one_colour<&Augment::saturation>},
    {"hue", "hue:X", "a turn of -X to X, at most 0.5", one_colour<&Augment::hue>},
    {"grey", "grey[:P]", "no colour, with probability P (0.1)", grey},
    {"rotate", "rotate:DEGREES", "either way", rotate},
    {"affine", "affine:rotate=DEG,translate=PART,scale=LOW|HIGH,shear=DEG", "any of them at once", affine},
    {"randaugment", "randaugment[:ops=2,magnitude=9]", "that many of 14 changes, all as strong", randaugment},
    {"trivial", "trivial", "TrivialAugment-Wide: one of 14 changes, of any strength", trivial},
    {"cutout", "cutout:PIXELS", "a square of that side becomes zero, after normalisation", cutout},
    {"erase", "erase[:P,area=0.02|0.33,ratio=0.3|3.3]", "a rectangle becomes zero, with probability P (0.5)",
     erase},
    {"mixup", "mixup[:ALPHA,p=1]", "the weighted mean of two images and of their labels",
     mix<AugmentKind::mixup>},
    {"cutmix", "cutmix[:ALPHA,p=1]", "a rectangle of another image, labels by area",
     mix<AugmentKind::cutmix>},
    {"none", "none", "nothing", nullptr},
}};

Augment make_augment(const Spec& spec) {
  const auto* found = std::ranges::find(known, spec.name, &Known::name);
  if (found == known.end()) {
    std::vector<std::string> names;
    names.reserve(known.size());
    for (const Known& each : known) names.emplace_back(each.name);
    throw usage_error(std::string(flag) + ": unknown " + in_quotes(spec.name) + "; known are " + join(names));
  }
  if (found->make == nullptr) throw usage_error(std::string(flag) + ": none stands alone");
  return found->make(spec);
}

/// Where entry i of the list begins and ends in the text, as the grammar cuts it.
std::string written(const Spec& spec) {
  std::string text = spec.name;
  char before = ':';
  for (const std::string& value : spec.values) text += before + value, before = ',';
  for (const auto& [key, value] : spec.options) text += before + key + "=" + value, before = ',';
  return text;
}

bool changes_colours(AugmentKind kind) {
  return kind == AugmentKind::jitter || kind == AugmentKind::grey || kind == AugmentKind::randaugment ||
         kind == AugmentKind::trivial;
}

}  // namespace

std::vector<Augment> parse_augment(const std::string& text) {
  std::vector<Augment> list;
  if (trim(text).empty() || trim(text) == "none") return list;
  for (const Spec& spec : parse_spec_list(text, flag)) {
    list.push_back(make_augment(spec));
    list.back().text = written(spec);
  }
  for (const AugmentKind kind : {AugmentKind::mixup, AugmentKind::cutmix}) {
    if (std::ranges::count(list, kind, &Augment::kind) > 1) {
      throw usage_error(std::string(flag) + ": " + text + " mixes twice in the same way; once is enough");
    }
  }
  return list;
}

std::string to_string(const std::vector<Augment>& augment) {
  std::vector<std::string> items;
  items.reserve(augment.size());
  for (const Augment& each : augment) items.push_back(each.text);
  return items.empty() ? "none" : join(items, ",");
}

void check_augment(std::span<const Augment> augment, int64_t height, int64_t width, int64_t channels) {
  for (const Augment& each : augment) {
    const std::string where = std::string(flag) + " " + each.text + ": ";
    if (each.kind == AugmentKind::shift && each.padding == Padding::reflect &&
        each.pixels >= std::min(height, width)) {
      throw usage_error(where + "an image of " + std::to_string(height) + " x " + std::to_string(width) +
                        " pixels has not that many to mirror; pad=edge and pad=zero go further");
    }
    if (changes_colours(each.kind) && channels != 1 && channels != 3) {
      throw usage_error(where + "colours are known of grey and RGB images, not of " +
                        std::to_string(channels) + " channels");
    }
  }
}

std::string augment_help() {
  std::string text;
  for (const Known& each : known) text += std::string("  ") + each.form + ": " + each.meaning + "\n";
  return text;
}

}  // namespace frugal

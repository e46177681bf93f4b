#include "data/draw.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/math.h"
#include "base/philox.h"
#include "data/augment_space.h"

namespace frugal {
namespace {

struct Size {
  int64_t height, width;
};

/// To the nearest, halves to even as Python's round().
int64_t rounded(double value) { return static_cast<int64_t>(std::nearbyint(value)); }

void draw_shift(const Augment& augment, Dice& dice, Changes& changes) {
  const auto places = static_cast<uint32_t>(2 * augment.pixels + 1);
  Change change{.kind = ChangeKind::shift, .padding = augment.padding};
  change.down = static_cast<int32_t>(dice.below(places)) - augment.pixels;
  change.right = static_cast<int32_t>(dice.below(places)) - augment.pixels;
  changes.list.push_back(change);
}

/// Brightness, contrast, saturation and hue, in an order that is drawn too.
void draw_jitter(const Augment& augment, Dice& dice, Changes& changes) {
  struct Part {
    ChangeKind kind;
    Range range;
    double neutral;
  };
  std::array<Part, 4> parts{{{ChangeKind::brightness, augment.brightness, 1},
                             {ChangeKind::contrast, augment.contrast, 1},
                             {ChangeKind::saturation, augment.saturation, 1},
                             {ChangeKind::hue, augment.hue, 0}}};
  for (uint32_t i = 4; i-- > 1;) std::swap(parts[i], parts[dice.below(i + 1)]);
  for (const Part& part : parts) {
    if (part.range.low == part.range.high && part.range.low == part.neutral) continue;
    changes.list.push_back({.kind = part.kind, .amount = dice.uniform(part.range.low, part.range.high)});
  }
}

void draw_affine(const Augment& augment, const Size& size, Dice& dice, Changes& changes) {
  AffineChange affine;
  affine.degrees = dice.uniform(-augment.degrees, augment.degrees);
  const auto shift = [&](int64_t pixels) {
    const double most = augment.translate * static_cast<double>(pixels);
    return static_cast<double>(rounded(dice.uniform(-most, most)));
  };
  affine.tx = shift(size.width);
  affine.ty = shift(size.height);
  affine.scale = dice.uniform(augment.scale.low, augment.scale.high);
  const auto [sine, cosine] = sine_cosine_of_degrees(dice.uniform(-augment.shear, augment.shear));
  affine.tangent_x = sine / cosine;
  changes.list.push_back({.kind = ChangeKind::affine, .matrix = inverse_affine(affine)});
}

void draw_from_space(SpaceKind space, int level, const Size& size, Dice& dice, Changes& changes) {
  const auto op = static_cast<int>(dice.below(space_ops));
  if (space == SpaceKind::wide && has_magnitude(op)) level = static_cast<int>(dice.below(space_magnitudes));
  double magnitude = space_magnitude(space, op, level, size.height, size.width);
  if (is_signed(op) && dice.below(2) == 1) magnitude = -magnitude;
  add_space_change(op, magnitude, size.height, size.width, changes.list);
}

/// A square about any pixel, cut off at the border.
void draw_cutout(const Augment& augment, const Size& size, Dice& dice, Changes& changes) {
  const auto interval = [&](int64_t length) {
    const auto middle = static_cast<int64_t>(dice.below(static_cast<uint32_t>(length)));
    const int64_t begin = middle - augment.pixels / 2;
    return std::pair(std::max<int64_t>(begin, 0), std::min<int64_t>(begin + augment.pixels, length));
  };
  const auto [top, bottom] = interval(size.height);
  const auto [left, right] = interval(size.width);
  changes.erased.push_back({top, left, bottom - top, right - left});
}

/// torchvision's RandomErasing.get_params.
void draw_erase(const Augment& augment, const Size& size, Dice& dice, Changes& changes) {
  const double image = static_cast<double>(size.height * size.width);
  const double low = log_double(augment.ratio.low), high = log_double(augment.ratio.high);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = image * dice.uniform(augment.area.low, augment.area.high);
    const double ratio = exp_double(dice.uniform(low, high));
    const int64_t height = rounded(std::sqrt(area * ratio)), width = rounded(std::sqrt(area / ratio));
    if (height >= size.height || width >= size.width) continue;
    const auto top = dice.below(static_cast<uint32_t>(size.height - height + 1));
    const auto left = dice.below(static_cast<uint32_t>(size.width - width + 1));
    changes.erased.push_back({top, left, height, width});
    return;
  }
}

}  // namespace

void draw_changes(std::span<const Augment> augment, const DrawKey& key, int64_t height, int64_t width,
                  Changes& changes) {
  changes.clear();
  const Size size{height, width};
  for (size_t i = 0; i < augment.size(); ++i) {
    const Augment& each = augment[i];
    const auto entry = static_cast<uint32_t>(i);
    Dice dice(RandomStream(key.seed, Purpose::augment, entry, key.epoch), key.draw);
    switch (each.kind) {
      case AugmentKind::flip:
        if (dice.happens(each.probability)) changes.list.push_back({.kind = ChangeKind::flip});
        break;
      case AugmentKind::altflip: {
        // In epoch 0 half of the images, in epoch 1 the other half, and so on.
        Dice own(RandomStream(key.seed, Purpose::augment, entry), static_cast<uint32_t>(key.id));
        if (own.below(2) == (key.epoch & 1)) changes.list.push_back({.kind = ChangeKind::flip});
        break;
      }
      case AugmentKind::shift:
        draw_shift(each, dice, changes);
        break;
      case AugmentKind::jitter:
        draw_jitter(each, dice, changes);
        break;
      case AugmentKind::grey:
        if (dice.happens(each.probability)) changes.list.push_back({.kind = ChangeKind::grey});
        break;
      case AugmentKind::affine:
        draw_affine(each, size, dice, changes);
        break;
      case AugmentKind::randaugment:
        for (int op = 0; op < each.ops; ++op) {
          draw_from_space(SpaceKind::randaugment, each.magnitude, size, dice, changes);
        }
        break;
      case AugmentKind::trivial:
        draw_from_space(SpaceKind::wide, 0, size, dice, changes);
        break;
      case AugmentKind::cutout:
        draw_cutout(each, size, dice, changes);
        break;
      case AugmentKind::erase:
        if (dice.happens(each.probability)) draw_erase(each, size, dice, changes);
        break;
      case AugmentKind::mixup:
      case AugmentKind::cutmix:
        break;
    }
  }
}

}  // namespace frugal

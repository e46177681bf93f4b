#include "data/mix.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/math.h"

namespace frugal {
namespace {

bool is_mix(const Augment& augment) {
  return augment.kind == AugmentKind::mixup || augment.kind == AugmentKind::cutmix;
}

/// (0, 1), ends excluded.
double open_uniform(Dice& dice) { return (static_cast<double>(dice.word()) + 0.5) * 0x1.0p-32; }

/// The logarithm of a gamma variate: small shapes give numbers that are too small for a double.
double draw_log_gamma(double shape, Dice& dice) {
  if (shape < 1) {
    const double larger = draw_log_gamma(shape + 1, dice);
    return larger + log_double(open_uniform(dice)) / shape;
  }
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal_quantile(open_uniform(dice)), t = 1 + c * x;
    if (t <= 0) continue;
    const double v = t * t * t, log_v = log_double(v);
    if (log_double(open_uniform(dice)) < 0.5 * x * x + d - d * v + d * log_v) return log_double(d) + log_v;
  }
}

/// The reference implementation's rand_bbox: sides of sqrt(1 - own) about any pixel, cut off at the border.
Rectangle draw_box(double own, int64_t height, int64_t width, Dice& dice) {
  const double part = std::sqrt(1 - own);
  struct Interval {
    int64_t begin, length;
  };
  const auto interval = [&](int64_t size) {
    const auto half = static_cast<int64_t>(static_cast<double>(size) * part) / 2;
    const auto middle = static_cast<int64_t>(dice.below(static_cast<uint32_t>(size)));
    const int64_t begin = std::max<int64_t>(middle - half, 0), end = std::min(middle + half, size);
    return Interval{begin, end - begin};
  };
  const Interval x = interval(width), y = interval(height);
  return {y.begin, x.begin, y.length, x.length};
}

}  // namespace

bool mixes(std::span<const Augment> augment) { return std::ranges::any_of(augment, is_mix); }

double draw_beta(double alpha, Dice& dice) {
  const double a = draw_log_gamma(alpha, dice), b = draw_log_gamma(alpha, dice);
  return 1 / (1 + exp_double(b - a));
}

Mix draw_mix(std::span<const Augment> augment, uint64_t seed, uint32_t epoch, uint32_t draw, uint32_t draws,
             int64_t height, int64_t width) {
  std::array<uint32_t, 2> entries{};
  uint32_t count = 0;
  for (uint32_t i = 0; i < augment.size() && count < 2; ++i) {
    if (is_mix(augment[i])) entries[count++] = i;
  }
  Mix mix;
  if (count == 0) return mix;
  const auto stream = [&](uint32_t entry) { return RandomStream(seed, Purpose::mix, entry, epoch); };
  uint32_t entry = entries[0];
  if (count == 2) {
    Dice coin(stream(static_cast<uint32_t>(augment.size())), draw);
    entry = entries[coin.below(2)];
  }
  const Augment& chosen = augment[entry];
  Dice dice(stream(entry), draw);
  if (!dice.happens(chosen.probability)) return mix;
  mix.partner = dice.below(draws);
  const double own = draw_beta(chosen.alpha, dice);
  if (chosen.kind == AugmentKind::mixup) {
    mix.kind = Mix::Kind::mean;
    mix.own = static_cast<float>(own);
  } else {
    mix.kind = Mix::Kind::cut;
    mix.box = draw_box(own, height, width, dice);
    mix.own = static_cast<float>(1 - static_cast<double>(mix.box.height * mix.box.width) /
                                         static_cast<double>(height * width));
  }
  return mix;
}

}  // namespace frugal

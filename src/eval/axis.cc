#include "eval/axis.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>

namespace frugal {
namespace {

/// The smallest of 1, 2, 5 times a power of ten that is at least `rough`.
double nice_step(double rough) {
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (double multiple : {1.0, 2.0, 5.0}) {
    if (multiple * power >= rough * (1 - 1e-9)) return multiple * power;
  }
  return 10 * power;
}

}  // namespace

double Axis::position(double value) const {
  if (logarithmic) return std::log10(value / low) / std::log10(high / low);
  return (value - low) / (high - low);
}

std::string Axis::label(double tick) const {
  if (logarithmic) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", tick);
    return text;
  }
  const int decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 9);
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, tick);
  return text;
}

Axis nice_axis(double low, double high, int ticks) {
  if (!std::isfinite(low) || !std::isfinite(high) || low > high) low = 0, high = 1;
  const double least = std::max(1e-6, 1e-6 * std::max(std::abs(low), std::abs(high)));
  if (high - low < least) low -= least / 2, high += least / 2;
  Axis axis;
  axis.step = nice_step((high - low) / ticks);
  const auto first = static_cast<int64_t>(std::floor(low / axis.step + 1e-6));
  const auto last = static_cast<int64_t>(std::ceil(high / axis.step - 1e-6));
  for (int64_t i = first; i <= last; ++i) axis.ticks.push_back(static_cast<double>(i) * axis.step);
  axis.low = axis.ticks.front();
  axis.high = axis.ticks.back();
  return axis;
}

Axis counting_axis(long first, long last, int ticks) {
  Axis axis;
  const auto low = static_cast<double>(first), high = static_cast<double>(last);
  axis.low = low, axis.high = high;
  if (last <= first) {
    axis.low = low - 0.5, axis.high = low + 0.5;
    axis.ticks = {low};
    return axis;
  }
  axis.step = std::max(1.0, nice_step((high - low) / ticks));
  axis.ticks.push_back(low);
  for (auto i = static_cast<int64_t>(std::ceil(low / axis.step));; ++i) {
    const double tick = static_cast<double>(i) * axis.step;
    if (tick >= high) break;
    // Next to an end there is no room for a second label.
    if (tick - low >= 0.6 * axis.step && high - tick >= 0.6 * axis.step) axis.ticks.push_back(tick);
  }
  axis.ticks.push_back(high);
  return axis;
}

Axis log_axis(double low, double high) {
  Axis axis{.low = low, .high = high, .logarithmic = true};
  const int first = static_cast<int>(std::floor(std::log10(low)));
  const int last = static_cast<int>(std::ceil(std::log10(high)));
  const bool few = last - first <= 3;
  for (int power = first; power <= last; ++power) {
    for (const double multiple : {1.0, 2.0, 5.0}) {
      const double tick = multiple * std::pow(10.0, power);
      const bool inside = tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9);
      if (inside && (few || multiple == 1.0)) axis.ticks.push_back(tick);
    }
  }
  return axis;
}

}  // namespace frugal

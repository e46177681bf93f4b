// Where the ticks of an axis go: multiples of 1, 2 or 5 times a power of ten, about as many as asked for; or,
// by logarithms, powers of ten.
#pragma once

#include <string>
#include <vector>

namespace frugal {

struct Axis {
  double low = 0, high = 1;  // the ends, which are ticks themselves unless the axis counts something
  double step = 1;
  std::vector<double> ticks = {};
  bool logarithmic = false;

  double position(double value) const;   // 0 to 1
  std::string label(double tick) const;  // as many decimals as the step needs
};

/// Covers [low, high] with about `ticks` ticks, widened to whole steps. An empty or degenerate range is
/// widened.
Axis nice_axis(double low, double high, int ticks);

/// For whole numbers `first` to `last` (epochs): the ends stay exact, ticks are whole and include both ends.
Axis counting_axis(long first, long last, int ticks);

/// From `low` to `high`, 0 < low < high, by their logarithms: the ends stay exact, ticks are the powers of
/// ten between them, and their 2- and 5-fold where there are few.
Axis log_axis(double low, double high);

}  // namespace frugal

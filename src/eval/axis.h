// Where the ticks of an axis go: multiples of 1, 2 or 5 times a power of ten, about as many as asked for.
#pragma once

#include <string>
#include <vector>

namespace frugal {

struct Axis {
  double low = 0, high = 1;  // the ends, which are ticks themselves unless the axis counts something
  double step = 1;
  std::vector<double> ticks;

  double position(double value) const { return (value - low) / (high - low); }  // 0 to 1
  std::string label(double tick) const;  // as many decimals as the step needs
};

/// Covers [low, high] with about `ticks` ticks, widened to whole steps. An empty or degenerate range is
/// widened.
Axis nice_axis(double low, double high, int ticks);

/// For whole numbers `first` to `last` (epochs): the ends stay exact, ticks are whole and include both ends.
Axis counting_axis(long first, long last, int ticks);

}  // namespace frugal

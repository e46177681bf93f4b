// What one thread of this machine can do at most, measured: the two slopes of a roofline (Williams, Waterman,
// Patterson 2009).
#pragma once

#include "nn/engine.h"

namespace frugal {

struct Peaks {
  double flops = 0;             // a second: products of matrices that fit into the second-level cache
  double bytes_per_second = 0;  // read and written, from the second-level cache
};

/// Takes about a tenth of a second. Call it from a thread that does nothing else meanwhile.
Peaks measure_peaks(Precision precision);

}  // namespace frugal
